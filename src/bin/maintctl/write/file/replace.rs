//! Replaces a file in one step, so that a reader sees either the old contents or the new ones.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// Waits until no other maintctl works on the file.
pub fn lock(path: &Path, deadline: Instant) -> Result<File> {
    let lock = hidden_sibling(path, ".lock");
    let shown = lock.display();
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(&lock);
    // Read access is enough for a lock file of another operator.
    let file = file.or_else(|error| File::open(&lock).map_err(|_| error));
    let file = file.with_context(|| format!("lock {shown}"))?;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if Instant::now() < deadline => {
                std::thread::sleep(Duration::from_millis(10));
            }
            Err(TryLockError::WouldBlock) => {
                bail!("another maintctl is working on {}; nothing changed", path.display())
            }
            Err(TryLockError::Error(error)) => {
                return Err(error).with_context(|| format!("lock {shown}"));
            }
        }
    }
}

/// Replaces the file; the caller has the lock. A symbolic link stays, and the file that it leads to is replaced.
pub fn replace(path: &Path, text: &str) -> Result<()> {
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let new = hidden_sibling(&path, ".new");
    // A killed run, perhaps of another operator, may have left a file.
    if let Err(error) = fs::remove_file(&new)
        && error.kind() != ErrorKind::NotFound
    {
        return Err(error).context(new.display().to_string());
    }
    let mut file = OpenOptions::new().write(true).create_new(true).open(&new)?;
    file.write_all(text.as_bytes())?;
    match fs::metadata(&path) {
        Ok(old) => {
            #[cfg(unix)]
            keep_owner(&file, &old, &path)?;
            file.set_permissions(old.permissions())?;
        }
        // Envoy may run as another user.
        #[cfg(unix)]
        Err(_) => file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644))?,
        #[cfg(not(unix))]
        Err(_) => {}
    }
    file.sync_all()?;
    fs::rename(&new, &path)?;
    File::open(folder)?.sync_all()?;
    Ok(())
}

/// Gives the new file the owner and the group of the old one, or at least the group. Warns if users who could read the
/// old file, such as Envoy's, may be unable to read the new one.
#[cfg(unix)]
fn keep_owner(new: &File, old: &fs::Metadata, path: &Path) -> Result<()> {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
    let created = new.metadata()?;
    let is_same = (created.uid(), created.gid()) == (old.uid(), old.gid());
    if is_same || fchown(new, Some(old.uid()), Some(old.gid())).is_ok() {
        return Ok(());
    }
    let keeps_group = created.gid() == old.gid() || fchown(new, None, Some(old.gid())).is_ok();
    if !is_still_readable(old.permissions().mode(), keeps_group) {
        let (owner, shown) = (format!("{}:{}", old.uid(), old.gid()), path.display());
        aside!(
            "warning: {shown} belonged to {owner}, which cannot be restored, so Envoy may be unable to read it; run: \
             chown {owner} {shown}"
        );
    }
    Ok(())
}

/// True if a file with another owner is readable for everyone who could read it before.
#[cfg(unix)]
pub fn is_still_readable(mode: u32, keeps_group: bool) -> bool {
    mode & 0o004 != 0 || keeps_group && mode & 0o040 != 0
}

/// A hidden file in the same folder.
fn hidden_sibling(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(suffix);
    path.with_file_name(name)
}
