//! A module with a fault: the one under test, but for one thing that no request should ever meet.

use std::path::{Path, PathBuf};

use walrus::ir::UnaryOp;
use walrus::{ExportItem, FunctionBuilder, Module, ValType};

use super::module;

/// Writes the module under test with a trap before its own way: at each request that has a body.
pub fn traps_at_bodies(folder: &Path) -> PathBuf {
    let mut faulty = Module::from_file(module()).unwrap();
    let export = faulty.exports.iter().find(|export| export.name == "proxy_on_request_headers").unwrap();
    let (id, ExportItem::Function(own)) = (export.id(), export.item) else { panic!("no function") };
    // proxy_on_request_headers(context, headers, end_of_stream): the action.
    let mut builder = FunctionBuilder::new(&mut faulty.types, &[ValType::I32; 3], &[ValType::I32]);
    let arguments = [(); 3].map(|()| faulty.locals.add(ValType::I32));
    let mut body = builder.func_body();
    body.local_get(arguments[2]).unop(UnaryOp::I32Eqz).if_else(
        None,
        |with_body| {
            with_body.unreachable();
        },
        |_| {},
    );
    arguments.iter().for_each(|argument| {
        body.local_get(*argument);
    });
    body.call(own);
    let wrapper = builder.finish(arguments.to_vec(), &mut faulty.funcs);
    faulty.exports.get_mut(id).item = ExportItem::Function(wrapper);
    let file = folder.join("faulty.wasm");
    faulty.emit_wasm_file(&file).unwrap();
    file
}
