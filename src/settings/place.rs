//! Places of calls, `OPERATION:/path`: how rules name a member, in the way in which a miss prints it.

use crate::pointer;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A member of an operation's input, or of several's. `*` is any operation; as a step of the path
/// it is any member, map key or item of a list. Below a map or a list, a step is a key or an index
/// (from 0). `region` instead of a path is the region of the call.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Place {
    /// The service's `sdkId`, where it was said.
    pub service: Option<String>,
    /// The operation's name; nothing for any.
    pub operation: Option<String>,
    /// What of the call.
    pub target: Target,
}

/// What of a call a place names.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Target {
    /// Its region.
    Region,
    /// What these steps lead to. There is at least one.
    Member(Vec<Step>),
}

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Step {
    /// `*`.
    Any,
    /// The member, key or index of that name, unescaped.
    Name(String),
}

impl Step {
    /// Whether the step may be taken by that name.
    pub fn is(&self, name: &str) -> bool {
        match self {
            Step::Any => true,
            Step::Name(own) => own == name,
        }
    }
}

impl Place {
    /// Whether the place is of that operation.
    pub fn is_of(&self, service: &str, operation: &str) -> bool {
        self.service.as_deref().is_none_or(|own| own == service) && self.operation.as_deref().is_none_or(|own| own == operation)
    }

    /// The steps to the member; none for the region.
    pub fn steps(&self) -> &[Step] {
        match &self.target {
            Target::Region => &[],
            Target::Member(steps) => steps,
        }
    }
}

/// The text is no place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a place; a place is `OPERATION:/path`, as in `CreateServiceInstance:/spec`")]
pub struct PlaceError {
    text: String,
}

impl FromStr for Place {
    type Err = PlaceError;

    /// `OPERATION:/path`, `SERVICE OPERATION:/path`, `*:/path`, `OPERATION:region`.
    fn from_str(text: &str) -> Result<Place, PlaceError> {
        let wrong = || PlaceError { text: text.to_owned() };
        let (call, path) = text.split_once(':').ok_or_else(wrong)?;
        let (service, operation) = match call.rsplit_once(' ') {
            Some((service, operation)) => (Some(service.trim()), operation),
            None => (None, call),
        };
        if operation.is_empty() || service.is_some_and(str::is_empty) {
            return Err(wrong());
        }
        let target = match path {
            "region" => Target::Region,
            _ if path.starts_with('/') && path.len() > 1 => Target::Member(pointer::tokens(path).map(step).collect()),
            _ => return Err(wrong()),
        };
        Ok(Place {
            service: service.map(str::to_owned),
            operation: (operation != "*").then(|| operation.to_owned()),
            target,
        })
    }
}

fn step(token: String) -> Step {
    if token == "*" { Step::Any } else { Step::Name(token) }
}

impl TryFrom<String> for Place {
    type Error = PlaceError;

    fn try_from(text: String) -> Result<Place, PlaceError> {
        text.parse()
    }
}

impl From<Place> for String {
    fn from(place: Place) -> String {
        place.to_string()
    }
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(service) = &self.service {
            write!(formatter, "{service} ")?;
        }
        write!(formatter, "{}:", self.operation.as_deref().unwrap_or("*"))?;
        let Target::Member(steps) = &self.target else {
            return formatter.write_str("region");
        };
        formatter.write_str(&path_of(steps))
    }
}

/// The steps as a path, `/tags/*/key`; empty for none.
pub fn path_of(steps: &[Step]) -> String {
    let mut path = String::new();
    for step in steps {
        path.push('/');
        match step {
            Step::Any => path.push('*'),
            Step::Name(name) => pointer::escape_into(name, &mut path),
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_and_written_in_the_same_form() {
        for text in [
            "CreateProvisioningArtifact:/Parameters/Info/a~1b",
            "Service Catalog CreateProvisioningArtifact:/Parameters/Name",
            "*:/tags/*/key",
            "Proton *:/name",
            "ListServices:region",
            "Put:/a:b",
        ] {
            assert_eq!(text.parse::<Place>().unwrap().to_string(), text);
        }
        let place: Place = "Put:/a~1b/0".parse().unwrap();
        assert_eq!(place.steps(), [Step::Name("a/b".to_owned()), Step::Name("0".to_owned())]);
    }

    #[test]
    fn what_is_no_place_is_told() {
        for text in ["", "Put", "Put:", "Put:/", "Put:a", ":/a", " Put:/a", "Put :/a"] {
            let error = text.parse::<Place>().unwrap_err().to_string();
            assert!(error.starts_with(&format!("`{text}` is not a place")), "{error}");
        }
    }

    #[test]
    fn a_place_is_of_the_operations_that_it_names() {
        let is_of = |text: &str| text.parse::<Place>().unwrap().is_of("Proton", "GetService");
        assert!(is_of("GetService:/a") && is_of("Proton GetService:/a") && is_of("*:/a") && is_of("Proton *:/a"));
        assert!(!is_of("GetServices:/a") && !is_of("EC2 GetService:/a") && !is_of("EC2 *:region"));
    }
}
