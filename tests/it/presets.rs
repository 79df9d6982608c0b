//! The presets, as a person copies them: printed by the binary, and taken by `check`.

use crate::support::daemon::{command, run};
use crate::support::setup::Setup;

#[test]
fn every_preset_is_printed_and_what_is_printed_passes_check() {
    let setup = Setup::new();
    let listed = run(setup.folder(), &["preset", "--format", "json"], None).json();
    let names: Vec<&str> = listed.as_array().unwrap().iter().map(|preset| preset["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["argo", "dbt-cloud", "gitlab", "jenkins", "kestra", "make", "temporal", "windmill", "zapier"]);
    let people = run(setup.folder(), &["preset"], None);
    for name in names {
        assert!(people.out.contains(name), "{people:#?}");
        let printed = run(setup.folder(), &["preset", name], None);
        assert_eq!(printed.code, Some(0), "{printed:#?}");
        let file = format!("{}\n[receivers.out]\ntype = \"console\"\n[defaults]\nnotify = [\"out\"]\n", printed.out);
        std::fs::write(setup.folder().join("firstred.toml"), file).unwrap();
        let secrets = printed.out.split("env = \"").skip(1).filter_map(|rest| rest.split('"').next());
        let mut check = command();
        check.current_dir(setup.folder()).args(["check", "--config", "firstred.toml"]);
        check.envs(secrets.map(|secret| (secret, "user:a-long-enough-token")));
        let said = check.output().unwrap();
        let all = String::from_utf8_lossy(&said.stdout).into_owned() + &String::from_utf8_lossy(&said.stderr);
        assert!(said.status.success() && all.contains("firstred.toml is fine"), "{name}: {all}");
    }
}

#[test]
fn a_preset_that_is_not_there_is_named_with_the_one_that_is_meant() {
    let setup = Setup::new();
    let said = run(setup.folder(), &["preset", "gitlb"], None);
    assert_eq!(said.code, Some(2), "{said:#?}");
    assert!(said.err.contains("there is no preset `gitlb`: did you mean `gitlab`?"), "{said:#?}");
}
