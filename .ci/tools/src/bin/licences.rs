//! Whether all that is built in may be: reads what `cargo metadata` prints, and fails if a package has
//! a licence that is not on the list, or comes from somewhere else than the registry.

use std::{error::Error, io, process::ExitCode};

use serde_json::Value;
use spdx::{Expression, LicenseItem};

/// What asks no more of a user than to keep a notice.
const LICENCES: [&str; 9] = [
    "0BSD",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "Unicode-3.0",
    "Zlib",
];

const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let metadata: Value = serde_json::from_reader(io::stdin().lock())?;
    let packages = metadata["packages"].as_array().ok_or("no packages: is this cargo metadata?")?;
    let mut refused = 0;
    for package in packages {
        if let Err(why) = check(package) {
            eprintln!("{} {}: {why}", package["name"], package["version"]);
            refused += 1;
        }
    }
    println!("{} packages, {refused} refused", packages.len());
    Ok(if refused == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn check(package: &Value) -> Result<(), Box<dyn Error>> {
    match package["source"].as_str() {
        None | Some(REGISTRY) => {}
        Some(elsewhere) => return Err(format!("comes from {elsewhere}").into()),
    }
    let licence = package["license"].as_str().ok_or("has no licence")?;
    let expression = Expression::parse_mode(licence, spdx::ParseMode::LAX)?;
    let known = expression.evaluate(|requirement| match &requirement.license {
        LicenseItem::Spdx { id, .. } => LICENCES.contains(&id.name),
        LicenseItem::Other { .. } => false,
    });
    if known { Ok(()) } else { Err(format!("has the licence {licence}").into()) }
}
