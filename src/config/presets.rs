//! The presets: sources for engines that firstred has no room of its own for, each a part of a configuration that is copied and filled
//! in. It knows their texts and nothing of how they are read.

use super::suggest;

/// A preset.
#[derive(Debug, Clone, Copy)]
pub struct Preset {
    /// What it is asked for by, and the name of its source.
    pub name: &'static str,
    /// The TOML, with its explanations.
    pub text: &'static str,
}

/// All presets, by name.
pub const PRESETS: [Preset; 9] = [
    Preset { name: "argo", text: include_str!("../../config/presets/argo.toml") },
    Preset { name: "dbt-cloud", text: include_str!("../../config/presets/dbt-cloud.toml") },
    Preset { name: "gitlab", text: include_str!("../../config/presets/gitlab.toml") },
    Preset { name: "jenkins", text: include_str!("../../config/presets/jenkins.toml") },
    Preset { name: "kestra", text: include_str!("../../config/presets/kestra.toml") },
    Preset { name: "make", text: include_str!("../../config/presets/make.toml") },
    Preset { name: "temporal", text: include_str!("../../config/presets/temporal.toml") },
    Preset { name: "windmill", text: include_str!("../../config/presets/windmill.toml") },
    Preset { name: "zapier", text: include_str!("../../config/presets/zapier.toml") },
];

impl Preset {
    /// The preset of that name; case makes no difference.
    #[must_use]
    pub fn of(name: &str) -> Option<&'static Self> {
        PRESETS.iter().find(|preset| preset.name.eq_ignore_ascii_case(name))
    }

    /// The name that is meant by one that is none.
    #[must_use]
    pub fn near(name: &str) -> Option<&'static str> {
        suggest::nearest(name, PRESETS.iter().map(|preset| preset.name))
    }

    /// What it is for and how it looks: the first line.
    #[must_use]
    pub fn title(&self) -> &'static str {
        self.text.lines().next().unwrap_or_default().trim_start_matches(['#', ' '])
    }

    /// What has to be filled in.
    #[must_use]
    pub fn needs(&self) -> String {
        self.paragraph("Needs: ")
    }

    /// A paragraph of the head, in one line.
    fn paragraph(&self, begins: &str) -> String {
        let lines = self.text.lines().map(|line| line.strip_prefix("# ").unwrap_or_default());
        let told = lines.skip_while(|line| !line.starts_with(begins)).take_while(|line| !line.is_empty());
        told.collect::<Vec<_>>().join(" ").trim_start_matches(begins).to_owned()
    }
}
