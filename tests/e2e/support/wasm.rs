//! Reads the export section of a WebAssembly module.

/// The names of the exports of a module, sorted.
pub fn exports(module: &[u8]) -> Vec<String> {
    assert_eq!(&module[..8], b"\0asm\x01\0\0\0", "not a WebAssembly module");
    let mut rest = &module[8..];
    while !rest.is_empty() {
        let id = byte(&mut rest);
        let length = number(&mut rest);
        let (mut section, next) = rest.split_at(length);
        rest = next;
        if id == 7 {
            let count = number(&mut section);
            let mut names: Vec<String> = (0..count).map(|_| export(&mut section)).collect();
            names.sort();
            return names;
        }
    }
    Vec::new()
}

fn export(section: &mut &[u8]) -> String {
    let length = number(section);
    let (name, rest) = section.split_at(length);
    *section = rest;
    byte(section);
    number(section);
    String::from_utf8(name.to_vec()).unwrap()
}

fn byte(from: &mut &[u8]) -> u8 {
    let (first, rest) = from.split_first().unwrap();
    *from = rest;
    *first
}

fn number(from: &mut &[u8]) -> usize {
    let mut value = 0;
    for shift in (0..).step_by(7) {
        let byte = byte(from);
        value |= usize::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            break;
        }
    }
    value
}
