//! Where a service's rule set comes from. It is read when it is first asked for: of 400 services a
//! run calls a few.

use super::ruleset::{Ruleset, RulesetError};
use crate::document;
use crate::json::problem::problem;
use flate2::read::GzDecoder;
use serde_json::{Map, Value};
use std::io::Read;
use std::path::PathBuf;
use std::sync::OnceLock;

/// The traits, the better known form first.
const TRAITS: [&str; 2] = ["smithy.rules#endpointRuleSet", "smithy.rules#endpointBdd"];

/// The largest published rule set has under a megabyte.
const LONGEST: u64 = 16 * 1024 * 1024;

/// The endpoint rules of a service, where it has any.
#[derive(Debug, Default)]
pub struct EndpointRules {
    sources: Vec<Source>,
    read: OnceLock<Result<Option<Ruleset>, RulesetError>>,
}

#[derive(Debug)]
enum Source {
    /// JSON.
    Text(Box<str>),
    /// A file of JSON, compressed where its name ends in `.gz`.
    File(PathBuf),
}

impl EndpointRules {
    /// Of the traits of a service shape.
    pub fn of_traits(traits: &Map<String, Value>) -> EndpointRules {
        let texts = TRAITS.iter().filter_map(|name| traits.get(*name));
        EndpointRules {
            sources: texts.map(|rules| Source::Text(rules.to_string().into_boxed_str())).collect(),
            read: OnceLock::new(),
        }
    }

    /// Of a file, as botocore keeps them beside its models (`endpoint-rule-set-1.json[.gz]`). A
    /// file that does not exist counts as none.
    pub fn of_file(path: PathBuf) -> EndpointRules {
        EndpointRules {
            sources: vec![Source::File(path)],
            read: OnceLock::new(),
        }
    }

    /// The rules, where there are any that can be evaluated.
    pub fn ruleset(&self) -> Option<&Ruleset> {
        self.read().as_ref().ok().and_then(Option::as_ref)
    }

    /// Why rules that are there cannot be evaluated.
    pub fn problem(&self) -> Option<&RulesetError> {
        self.read().as_ref().err()
    }

    fn read(&self) -> &Result<Option<Ruleset>, RulesetError> {
        self.read.get_or_init(|| {
            let mut outcome = Ok(None);
            for source in &self.sources {
                match source.ruleset() {
                    Ok(Some(ruleset)) => return Ok(Some(ruleset)),
                    Ok(None) => {}
                    Err(error) => outcome = outcome.and(Err(error)),
                }
            }
            outcome
        })
    }
}

impl Source {
    fn ruleset(&self) -> Result<Option<Ruleset>, RulesetError> {
        let unreadable = |error: &dyn std::fmt::Display| RulesetError::Unreadable(error.to_string());
        let json = match self {
            Source::Text(text) => serde_json::from_str(text).map_err(|error| unreadable(&problem(text.as_bytes(), &error)))?,
            Source::File(path) if !path.exists() => return Ok(None),
            Source::File(path) => {
                let named = |error: &dyn std::fmt::Display| unreadable(&format!("`{}`: {error}", path.display()));
                let file = document::open(path).map_err(|error| named(&error))?;
                let compressed = path.extension().is_some_and(|extension| extension == "gz");
                let reader: Box<dyn Read> = if compressed {
                    Box::new(GzDecoder::new(file))
                } else {
                    Box::new(file)
                };
                let mut text = String::new();
                reader.take(LONGEST).read_to_string(&mut text).map_err(|error| named(&error))?;
                serde_json::from_str(&text).map_err(|error| named(&problem(text.as_bytes(), &error)))?
            }
        };
        Ruleset::parse(&json).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::io::Write;

    fn rules() -> Value {
        json!({"parameters": {}, "rules": [{"type": "endpoint", "conditions": [], "endpoint": {"url": "https://a"}}]})
    }

    fn of_traits(traits: Value) -> EndpointRules {
        EndpointRules::of_traits(traits.as_object().unwrap())
    }

    #[test]
    fn a_model_without_rules_has_neither_rules_nor_a_problem() {
        for none in [
            of_traits(json!({})),
            EndpointRules::default(),
            EndpointRules::of_file("/nowhere/x.json".into()),
        ] {
            assert!(none.ruleset().is_none() && none.problem().is_none());
        }
    }

    #[test]
    fn rules_that_cannot_be_evaluated_are_a_problem_unless_the_other_form_can() {
        let later = json!({"rules": [{"type": "later"}]});
        let rules_alone = of_traits(json!({"smithy.rules#endpointRuleSet": later}));
        assert!(rules_alone.ruleset().is_none() && rules_alone.problem().is_some());
        let both = of_traits(json!({"smithy.rules#endpointRuleSet": later, "smithy.rules#endpointBdd": rules()}));
        assert!(both.ruleset().is_some() && both.problem().is_none());
    }

    #[test]
    fn a_file_is_read_plain_or_compressed() {
        let folder = tempfile::tempdir().unwrap();
        let plain = folder.path().join("rules.json");
        std::fs::write(&plain, rules().to_string()).unwrap();
        assert!(EndpointRules::of_file(plain).ruleset().is_some());
        let compressed = folder.path().join("rules.json.gz");
        let mut encoder = flate2::write::GzEncoder::new(std::fs::File::create(&compressed).unwrap(), flate2::Compression::fast());
        encoder.write_all(rules().to_string().as_bytes()).unwrap();
        encoder.finish().unwrap();
        assert!(EndpointRules::of_file(compressed).ruleset().is_some());
        let broken = folder.path().join("broken.json");
        std::fs::write(&broken, "{").unwrap();
        let broken = EndpointRules::of_file(broken);
        assert!(broken.problem().is_some_and(|problem| problem.to_string().contains("broken.json")));
    }
}
