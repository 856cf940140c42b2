//! For the build scripts: gives a Windows program its version, icon and manifest, and the C++ library that OpenH264
//! wants into the program itself. For other systems it does nothing.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Embeds them into the program of this name. `about` is what Windows calls it.
pub(crate) fn embed(program: &str, about: &str) {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("../windows");
    for file in ["resources.rs", "program.manifest", "fernsicht.ico"] {
        println!("cargo::rerun-if-changed={}", here.join(file).display());
    }
    if std::env::var_os("CARGO_CFG_WINDOWS").is_none() {
        return;
    }
    let out = PathBuf::from(std::env::var_os("OUT_DIR").expect("cargo sets it"));
    if std::env::var("CARGO_CFG_TARGET_ENV").is_ok_and(|env| env == "gnu") {
        hold_cpp(&out);
    }
    let script = out.join(format!("{program}.rc"));
    std::fs::write(&script, text(&here, program, about)).expect("OUT_DIR can be written to");
    embed_resource::compile_for(&script, [program], embed_resource::NONE)
        .manifest_required()
        .expect("a resource compiler: windres (binutils-mingw-w64-x86-64), or the SDK's rc.exe");
}

/// A folder with nothing but the static C++ library in it: the linker finds no other one first.
fn hold_cpp(out: &Path) {
    let folder = out.join("static");
    std::fs::create_dir_all(&folder).expect("OUT_DIR can be written to");
    let asked = Command::new("x86_64-w64-mingw32-g++")
        .arg("-print-file-name=libstdc++.a")
        .output()
        .expect("a C++ compiler for Windows: g++-mingw-w64-x86-64-win32");
    let library = String::from_utf8(asked.stdout).expect("a path");
    std::fs::copy(library.trim(), folder.join("libstdc++.a")).expect("g++ has its library");
    println!("cargo::rustc-link-search=native={}", folder.display());
    println!("cargo::rustc-link-arg-bins=-static-libgcc");
}

fn text(here: &Path, program: &str, about: &str) -> String {
    let version = env!("CARGO_PKG_VERSION");
    let numbers = version.replace('.', ",");
    // Resource scripts take C's escapes.
    let path = |name: &str| here.join(name).display().to_string().replace('\\', "/");
    let (icon, manifest) = (path("fernsicht.ico"), path("program.manifest"));
    format!(
        r#"1 ICON "{icon}"
1 24 "{manifest}"
1 VERSIONINFO
FILEVERSION {numbers},0
PRODUCTVERSION {numbers},0
FILEOS 0x40004
FILETYPE 1
BEGIN
  BLOCK "StringFileInfo"
  BEGIN
    BLOCK "040904B0"
    BEGIN
      VALUE "CompanyName", "Fernsicht"
      VALUE "FileDescription", "{about}"
      VALUE "FileVersion", "{version}"
      VALUE "InternalName", "{program}"
      VALUE "LegalCopyright", "MIT OR Apache-2.0"
      VALUE "OriginalFilename", "{program}.exe"
      VALUE "ProductName", "Fernsicht"
      VALUE "ProductVersion", "{version}"
    END
  END
  BLOCK "VarFileInfo"
  BEGIN
    VALUE "Translation", 0x409, 1200
  END
END
"#
    )
}
