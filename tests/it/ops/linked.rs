//! A home that a link leads to, as where homes lie on another disk: what PATH says of it is known either way.

use super::Installed;

/// PATH names the home as HOME does, or as it really lies.
#[test]
fn a_home_that_is_a_link_is_on_the_path() {
    let installed = Installed::new();
    let (home, link) = (installed.world.home(), installed.world.root().join("link"));
    std::os::unix::fs::symlink(&home, &link).expect("a link");
    for (on_path, expected) in [(&link, true), (&home, true), (&installed.world.root().join("other"), false)] {
        let path = format!("/usr/local/bin:/usr/bin:/bin:{}/.local/bin", on_path.display());
        let done = installed.script(&["--port", "0"]).env("HOME", &link).env("PATH", path).succeed();
        assert_eq!(!done.out().contains("not on your PATH"), expected, "{done}");
    }
}
