//! What a name says of its value, worked out once for each name: the members of a model come with every
//! request.

use super::names::{is_secret_name, may_name_secret};
use super::rules::is_secretive;
use std::cell::RefCell;
use std::collections::HashMap;

/// So many names are kept, of at most so many bytes: a client can make up any number of others.
const MOST: usize = 4096;
const LONGEST: usize = 64;

/// What a name says of the value that it names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Says {
    /// It is a secret.
    pub(super) secret: bool,
    /// It may be one, if it looks like one.
    pub(super) perhaps: bool,
    /// A part of it speaks of secrets.
    pub(super) secretive: bool,
}

thread_local! {
    static KNOWN: RefCell<HashMap<Box<str>, Says>> = RefCell::default();
}

/// What a name says.
pub(super) fn says(name: &str) -> Says {
    KNOWN.with_borrow_mut(|known| {
        if let Some(says) = known.get(name) {
            return *says;
        }
        let says = Says {
            secret: is_secret_name(name),
            perhaps: may_name_secret(name),
            secretive: is_secretive(name),
        };
        if known.len() < MOST && name.len() <= LONGEST {
            known.insert(name.into(), says);
        }
        says
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_the_same_whenever_it_is_asked() {
        let long = "x".repeat(LONGEST) + "Password";
        for (name, secret, perhaps, secretive) in [
            ("serviceName", false, false, false),
            ("dbPassword", true, false, true),
            ("auth", false, true, true),
            (long.as_str(), true, false, true),
        ] {
            let expected = Says {
                secret,
                perhaps,
                secretive,
            };
            assert_eq!((says(name), says(name)), (expected, expected), "{name}");
        }
        for number in 0..2 * MOST {
            says(&format!("name-{number}"));
        }
        assert_eq!(KNOWN.with_borrow(HashMap::len), MOST);
        assert!(says("dbPassword").secret && says(&format!("secret{MOST}password")).secret);
    }
}
