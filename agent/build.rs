//! Gives the Windows program its version, icon and manifest.

#[path = "../windows/resources.rs"]
mod resources;

fn main() {
    resources::embed("fernsicht-agent", "Fernsicht");
}
