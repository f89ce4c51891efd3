//! The callbacks of a root context.

use std::rc::Rc;

use super::host::HostError;
use super::root::Root;
use super::sdk::{Context, ContextType, HttpContext, RootContext};
use super::stream::Stream;
use super::worker::{self, Worker};
use super::{host, log_limit, refusals, register, roots};
use crate::compiled::CompiledConfig;
use crate::tree::PathError;

/// A root context as the SDK calls it.
pub struct RootCallbacks {
    context: u32,
}

impl RootCallbacks {
    pub fn new(context: u32) -> RootCallbacks {
        roots::set(context, None);
        RootCallbacks { context }
    }
}

/// A reason to refuse a configuration.
#[derive(Debug, thiserror::Error)]
enum ConfigureError {
    #[error("{0}")]
    Policy(#[from] PathError),
    #[error("{0}")]
    Host(#[from] HostError),
}

/// True if a configuration is accepted. An error is logged.
fn accepted(kind: &str, result: Result<(), ConfigureError>) -> bool {
    result.inspect_err(|error| log::error!("{kind} refused: {error}")).is_ok()
}

/// The plugin that is being configured: `<plugin name>/<root id>`.
fn plugin() -> Result<String, HostError> {
    let part = |name: &str| {
        let text = host::property(&[name])?.unwrap_or_default();
        Ok::<_, HostError>(String::from_utf8_lossy(&text).replace(char::is_control, " "))
    };
    Ok(format!("{}/{}", part("plugin_name")?, part("plugin_root_id")?))
}

impl RootCallbacks {
    fn configure(&self) -> Result<(), ConfigureError> {
        let plugin = plugin()?;
        let policy = host::plugin_configuration()?;
        let config = CompiledConfig::from_plugin_configuration(&policy);
        let noted = register::started().and_then(|_| match &config {
            Ok(_) => refusals::accepted(&plugin, &policy),
            Err(error) => refusals::refused(&plugin, &error.to_string()),
        });
        // The policy alone decides whether it is accepted.
        if let Err(error) = noted {
            log_limit::failure(&error);
        }
        let config = config?;
        host::set_tick_period(worker::TICK)?;
        let root = Rc::new(Root::new(plugin, config));
        roots::set(self.context, Some(Rc::clone(&root)));
        worker::with(|worker| worker.add(&root));
        Ok(())
    }
}

impl Drop for RootCallbacks {
    fn drop(&mut self) {
        if let Some(root) = roots::remove(self.context) {
            worker::with(|worker| worker.remove(&root));
        }
    }
}

impl Context for RootCallbacks {}

impl RootContext for RootCallbacks {
    fn on_vm_start(&mut self, _: usize) -> bool {
        accepted("VM configuration", worker::with(Worker::start).map_err(ConfigureError::from))
    }

    fn on_configure(&mut self, _: usize) -> bool {
        accepted("policy", self.configure())
    }

    fn on_tick(&mut self) {
        worker::with(|worker| worker.tick(false));
    }

    fn create_http_context(&self, _: u32) -> Option<Box<dyn HttpContext>> {
        let root = roots::get(self.context);
        if let Some(root) = &root {
            // A root context that is quiet does not get here.
            worker::with(|worker| worker.request(root));
        }
        Some(Box::new(Stream::new(root)))
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}
