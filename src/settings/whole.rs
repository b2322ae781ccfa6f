//! The settings as a whole: their own parts, and beside them the options of a run.

use super::option::FileOption;
use super::{Bind, Matching, Redaction, Settings};
use crate::document::Object;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use std::fmt;
use toml::Spanned;

impl<'de> Deserialize<'de> for Settings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Settings, D::Error> {
        deserializer.deserialize_map(SettingsVisitor)
    }
}

struct SettingsVisitor;

impl<'de> Visitor<'de> for SettingsVisitor {
    type Value = Settings;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("settings")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Settings, A::Error> {
        let mut settings = Settings::default();
        while let Some(key) = entries.next_key::<Spanned<String>>()? {
            match key.get_ref().as_str() {
                "cassettes" => settings.cassettes = Some(entries.next_value()?),
                "models" => settings.models = entries.next_value()?,
                "match" => settings.matching = entries.next_value::<Object<Matching>>()?.0,
                "bind" => settings.bind = entries.next_value::<Vec<Object<Bind>>>()?.into_iter().map(|bind| bind.0).collect(),
                "redaction" => settings.redaction = entries.next_value::<Object<Redaction>>()?.0,
                _ => settings.options.push(FileOption::read(key, entries.next_value()?)),
            }
        }
        Ok(settings)
    }
}
