//! Makes the embedded folders known to cargo; the UI folder may still be empty.

fn main() -> std::io::Result<()> {
    println!("cargo:rerun-if-changed=migrations");
    println!("cargo:rerun-if-changed=ui/dist");
    std::fs::create_dir_all("ui/dist")
}
