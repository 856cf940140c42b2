//! Gives the Windows programs their version, icon and manifest.

#[path = "../windows/resources.rs"]
mod resources;

fn main() {
    resources::embed("fernsicht-console", "Fernsicht Console");
    resources::embed("fernsicht-auditor", "Fernsicht Auditor");
}
