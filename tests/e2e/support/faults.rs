//! Copies of the module under test with a fault.
//!
//! The module has no known input or configuration that makes its VM trap or a hostcall fail, and these tests must not
//! depend on a bug. The only way to such a fault is to add it to the module.

use std::path::{Path, PathBuf};

use walrus::ir::{BinaryOp, UnaryOp};
use walrus::{ExportItem, FunctionBuilder, Module, ValType};

use super::module;

/// Writes a module that traps at each request with a body, and else behaves like the module under test.
pub fn traps_at_bodies(folder: &Path) -> PathBuf {
    let mut faulty = Module::from_file(module()).unwrap();
    let export = faulty.exports.iter().find(|export| export.name == "proxy_on_request_headers").unwrap();
    let (id, ExportItem::Function(own)) = (export.id(), export.item) else { panic!("not a function") };
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

/// Writes the module under test so that calls of the host function `name` with `argument` as the first argument fail
/// with status 10 (internal failure).
pub fn fails_at(folder: &Path, name: &str, argument: Option<i32>) -> PathBuf {
    let mut faulty = Module::from_file(module()).unwrap();
    let import = faulty.imports.iter().find(|import| import.name == name).unwrap();
    let walrus::ImportKind::Function(own) = import.kind else { panic!("not a function") };
    let from = import.module.clone();
    let ty = faulty.funcs.get(own).ty();
    let (host, _) = faulty.add_import_func(&from, name, ty);
    let build = |(body, arguments): (&mut walrus::InstrSeqBuilder, &Vec<walrus::LocalId>)| {
        match argument {
            Some(argument) => body.local_get(arguments[0]).i32_const(argument).binop(BinaryOp::I32Eq),
            None => body.i32_const(1),
        };
        body.if_else(
            ValType::I32,
            |fails| {
                fails.i32_const(10);
            },
            |works| {
                arguments.iter().for_each(|argument| {
                    works.local_get(*argument);
                });
                works.call(host);
            },
        );
    };
    faulty.replace_imported_func(own, build).unwrap();
    let file = folder.join(format!("{name}.wasm"));
    faulty.emit_wasm_file(&file).unwrap();
    file
}
