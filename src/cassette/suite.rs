//! Which cassettes the sessions of a suite asked for, as far as it is known on this machine: what `prune`
//! goes by. A run over the whole suite replaces the list; every other run only adds to it.

use super::state::Lock;
use super::{Name, StateFolder, durable};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

/// What the sessions of the last whole run, and of those after it, asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// Names of cassettes.
    pub cassettes: BTreeSet<String>,
}

/// What the suite over one folder of cassettes asked for.
pub struct Suite<'a> {
    state: &'a StateFolder,
    file: PathBuf,
}

impl<'a> Suite<'a> {
    /// That over the cassettes below `root`.
    pub fn of(state: &'a StateFolder, root: &Path) -> Suite<'a> {
        let whole = std::path::absolute(root).unwrap_or_else(|_| root.to_owned());
        let name = blake3::hash(whole.as_os_str().as_encoded_bytes()).to_hex();
        Suite {
            file: state.path().join("suites").join(format!("{name}.json")),
            state,
        }
    }

    /// What is known; nothing where no run over the whole suite is.
    pub fn asked(&self) -> Option<Asked> {
        serde_json::from_slice(&std::fs::read(&self.file).ok()?).ok()
    }

    /// A run over the whole suite asked for these.
    pub fn note_whole(&self, cassettes: impl IntoIterator<Item = String>) -> io::Result<()> {
        self.state.make()?;
        durable::make_folder(durable::parent(&self.file))?;
        let _lock = self.lock()?;
        self.write(&Asked {
            cassettes: cassettes.into_iter().collect(),
        })
    }

    /// Another run asked for these, too.
    pub fn note_more(&self, cassettes: impl IntoIterator<Item = String>) -> io::Result<()> {
        self.change(|asked| asked.cassettes.extend(cassettes))
    }

    /// A cassette is called otherwise now.
    pub fn rename(&self, old: &Name, new: &Name) -> io::Result<()> {
        self.change(|asked| {
            if asked.cassettes.remove(old.as_str()) {
                asked.cassettes.insert(new.to_string());
            }
        })
    }

    fn change(&self, change: impl FnOnce(&mut Asked)) -> io::Result<()> {
        if !self.file.is_file() {
            return Ok(());
        }
        let _lock = self.lock()?;
        let Some(mut asked) = self.asked() else { return Ok(()) };
        change(&mut asked);
        self.write(&asked)
    }

    fn lock(&self) -> io::Result<Lock> {
        Lock::take(&self.file.with_extension("lock"))
    }

    fn write(&self, asked: &Asked) -> io::Result<()> {
        let text = serde_json::to_vec(asked).map_err(io::Error::other)?;
        durable::replace_file(&self.file, &text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_run_says_anew_what_is_asked_for_and_others_add_to_it() {
        let folder = tempfile::tempdir().unwrap();
        let state = StateFolder::new(folder.path().join(".ferrotape"));
        let suite = Suite::of(&state, &folder.path().join("cassettes"));
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let asked = || suite.asked().map(|asked| asked.cassettes.into_iter().collect::<Vec<_>>().join(" "));
        suite.note_more(names(&["a"])).unwrap();
        assert_eq!(asked(), None, "of a part of a suite nothing follows");
        suite.note_whole(names(&["a", "b"])).unwrap();
        suite.note_more(names(&["c"])).unwrap();
        assert_eq!(asked().as_deref(), Some("a b c"));
        suite.rename(&Name::parse("b").unwrap(), &Name::parse("z").unwrap()).unwrap();
        assert_eq!(asked().as_deref(), Some("a c z"));
        suite.note_whole(names(&["c"])).unwrap();
        assert_eq!(asked().as_deref(), Some("c"));
        assert_eq!(Suite::of(&state, &folder.path().join("others")).asked(), None);
    }
}
