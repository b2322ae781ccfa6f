//! Options of a run as a settings file says them: by the name of the flag, at the top or in the table
//! of one command. Which names there are is known where the command line is read.

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use std::fmt;
use toml::Spanned;

/// One key that no other part of the settings has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileOption {
    /// The key.
    pub name: String,
    /// What it says.
    pub value: Said,
    /// Where it stands, as `FILE:LINE:COLUMN`; only the offset of the key until the file is known.
    pub place: String,
    pub(super) offset: usize,
}

/// What an option says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// `true` or `false`.
    Flag(bool),
    /// A text or a number.
    Word(String),
    /// Several of them.
    Words(Vec<String>),
    /// Options of one command.
    Table(Vec<FileOption>),
}

impl FileOption {
    /// The key and what is below it, with their places.
    pub(super) fn located(mut self, place: &impl Fn(usize) -> String) -> FileOption {
        self.place = place(self.offset);
        if let Said::Table(options) = self.value {
            self.value = Said::Table(options.into_iter().map(|option| option.located(place)).collect());
        }
        self
    }

    pub(super) fn read(key: Spanned<String>, value: Said) -> FileOption {
        FileOption {
            offset: key.span().start,
            name: key.into_inner(),
            value,
            place: String::new(),
        }
    }
}

impl<'de> Deserialize<'de> for Said {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Said, D::Error> {
        deserializer.deserialize_any(SaidVisitor)
    }
}

struct SaidVisitor;

impl<'de> Visitor<'de> for SaidVisitor {
    type Value = Said;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("`true`, `false`, a text, a number, or a list of texts")
    }

    fn visit_bool<E: Error>(self, flag: bool) -> Result<Said, E> {
        Ok(Said::Flag(flag))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Said, E> {
        Ok(Said::Word(number.to_string()))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Said, E> {
        Ok(Said::Word(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Said, A::Error> {
        let mut words = Vec::new();
        while let Some(word) = items.next_element()? {
            words.push(word);
        }
        Ok(Said::Words(words))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Said, A::Error> {
        let mut options = Vec::new();
        while let Some(key) = entries.next_key()? {
            options.push(FileOption::read(key, entries.next_value()?));
        }
        Ok(Said::Table(options))
    }
}
