//! What of a configuration is settled for as long as the process lives: a reload that changes it says so, by name.

use crate::config::{Config, LedgerSettings, LogSettings, ServerSettings};

/// The settings that only a start puts in force, as this start found them.
pub(super) struct Settled {
    server: ServerSettings,
    ledger: LedgerSettings,
    log: LogSettings,
}

impl Settled {
    pub(super) fn of(config: &Config) -> Self {
        Self { server: config.server.clone(), ledger: config.ledger.clone(), log: config.log.clone() }
    }

    /// The settings of `config` that wait for the next start, as the file names them.
    pub(super) fn differs_from(&self, config: &Config) -> Vec<&'static str> {
        let (server, log) = (&config.server, &config.log);
        [
            ("[server] listen", self.server.listen != server.listen),
            ("[server] max_body", self.server.max_body != server.max_body),
            ("[server] max_connections", self.server.max_connections != server.max_connections),
            ("[server] queue", self.server.queue != server.queue),
            ("[ledger] path", self.ledger.path != config.ledger.path),
            ("[log] format", self.log.json != log.json),
            ("[log] level", self.log.filter != log.filter),
        ]
        .into_iter()
        .filter_map(|(name, differs)| differs.then_some(name))
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::config::{ConfigFile, Inputs, load};

    fn config(text: &str) -> Config {
        let file = ConfigFile::Text { name: "firstred.toml".to_owned(), text: text.to_owned() };
        let inputs = Inputs { file: Some(file), ..Inputs::of_file(None, BTreeMap::new(), |_| Ok(())) };
        load(&inputs).expect("a good configuration").config
    }

    #[test]
    fn every_setting_that_waits_for_a_start_is_named_and_no_other() {
        let settled = Settled::of(&config(""));
        assert_eq!(settled.differs_from(&config("")), Vec::<&str>::new());
        let other = "[server]\nlisten = \"127.0.0.1:1\"\nmax_body = \"2MiB\"\nmax_connections = 9\nqueue = 9\n\
                     public_url = \"https://firstred.example.com\"\n[ledger]\npath = \"other.db\"\nretention = \"1d\"\n\
                     [log]\nformat = \"json\"\nlevel = \"debug\"\n[defaults]\nhold = \"1m\"\n";
        assert_eq!(
            settled.differs_from(&config(other)),
            [
                "[server] listen",
                "[server] max_body",
                "[server] max_connections",
                "[server] queue",
                "[ledger] path",
                "[log] format",
                "[log] level"
            ]
        );
    }
}
