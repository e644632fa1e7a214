//! The peers, for information. Their program in `benches/peers` has dependencies of its own, which
//! are nobody else's: it is built the first time, which takes minutes.

use std::{env, path::PathBuf, process::Command};

use crate::{is_timed, server::Server, table::Table};

pub(crate) fn measure(server: &Server, table: &mut Table) {
    if !is_timed() {
        return;
    }
    match run(server) {
        Ok(lines) => {
            for (name, value) in lines.lines().filter_map(|line| line.split_once('\t')) {
                table.tell(name, value);
            }
        }
        Err(why) => table.tell("ezsockets, stream-reconnect", &format!("NOT MEASURED ({why})")),
    }
}

fn run(server: &Server) -> Result<String, &'static str> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let target = root.join("target/peers");
    eprintln!("building the peers");
    let build = Command::new(env::var_os("CARGO").unwrap_or("cargo".into()))
        .args(["build", "--release", "--locked", "--quiet", "--manifest-path"])
        .arg(root.join("benches/peers/Cargo.toml"))
        .arg("--target-dir")
        .arg(&target)
        .status();
    if !build.is_ok_and(|status| status.success()) {
        return Err("benches/peers does not build");
    }
    let program =
        target.join("release").join(format!("steadfast-peers{}", env::consts::EXE_SUFFIX));
    let output = Command::new(program).arg(server.address.to_string()).output();
    let output = output.ok().filter(|output| output.status.success());
    let output = output.ok_or("benches/peers fails")?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
