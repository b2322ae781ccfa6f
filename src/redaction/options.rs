//! Secrets in commands that are lists, where an option stands before its value as an item of its own:
//! `["--password", "…"]`, `["curl", "-u", "user:…"]`. A container's command and entry point are such.

use super::names::{is_secret_name, names_secret};
use super::ordinary::is_ordinary;
use super::scan::is_value;

/// How a program takes a secret.
enum Way {
    /// The item behind the option.
    Behind,
    /// That item, from its colon on: `user:secret`.
    BehindUser,
    /// The rest of the option's own item.
    Attached,
}

/// A kind of programs, the options of one letter or two that bring a secret, and how.
struct Program {
    names: &'static [&'static str],
    options: &'static [&'static str],
    way: Way,
}

const PROGRAMS: [Program; 4] = [
    Program {
        names: &["curl", "wget", "http", "https"],
        options: &["-u", "-U", "--user", "--proxy-user"],
        way: Way::BehindUser,
    },
    Program {
        names: &["sshpass", "login"],
        options: &["-p"],
        way: Way::Behind,
    },
    Program {
        names: &["redis-cli"],
        options: &["-a"],
        way: Way::Behind,
    },
    Program {
        names: &["mysql", "mysqldump", "mysqladmin", "mariadb"],
        options: &["-p"],
        way: Way::Attached,
    },
];

/// A program is named early in its command.
const FIRST: usize = 64;

/// What is known of a command as far as it was read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Command<'a> {
    /// The item before, where it is an option.
    option: Option<&'a str>,
    /// Which of the programs were named.
    programs: u8,
}

impl<'a> Command<'a> {
    /// The command up to the item at `index`.
    pub(super) fn before(items: impl Fn(usize) -> Option<&'a str>, index: usize) -> Command<'a> {
        let last = index.checked_sub(1).and_then(&items);
        let option = last.filter(|item| item.starts_with('-'));
        let may_be_attached = || items(index).is_some_and(|item| item.starts_with('-') && item.len() > 2);
        let programs = match option.is_some() || may_be_attached() {
            true => (0..index.min(FIRST)).filter_map(items).fold(0, |all, item| all | program(item)),
            false => 0,
        };
        Command { option, programs }
    }

    /// Where the secret begins in the next item; nothing where it holds none.
    pub(super) fn secret_in(&self, item: &str) -> Option<usize> {
        let is_named = || {
            let name = self.option?.trim_start_matches('-');
            let is_it = !name.starts_with("no-") && !item.starts_with("--") && names_secret(name, item);
            (is_it && is_value(item) && (is_secret_name(name) || !is_ordinary(item))).then_some(0)
        };
        is_named().or_else(|| {
            PROGRAMS
                .iter()
                .enumerate()
                .find_map(|(at, program)| self.taken(program, 1 << at, item))
        })
    }

    fn taken(&self, program: &Program, bit: u8, item: &str) -> Option<usize> {
        let is_named = self.programs & bit != 0;
        let is_behind = self.option.is_some_and(|option| program.options.contains(&option));
        let at = match program.way {
            Way::Behind => Some(0).filter(|_| is_behind && is_named),
            Way::BehindUser => item.find(':').map(|at| at + 1).filter(|_| is_behind),
            Way::Attached => {
                let option = program.options.iter().find(|option| item.starts_with(**option));
                option.map(|option| option.len()).filter(|_| is_named)
            }
        }?;
        let secret = item.get(at..).filter(|secret| is_value(secret) && !secret.starts_with("//"))?;
        // Other programs take a user and a group, or a host and a port.
        (is_value(item) && (is_named || !is_ordinary(secret))).then_some(at)
    }
}

/// Which of the programs an item names.
fn program(item: &str) -> u8 {
    let name = item.rsplit('/').next().unwrap_or(item);
    let is_it = |program: &Program| program.names.contains(&name);
    PROGRAMS.iter().position(is_it).map_or(0, |at| 1 << at)
}

/// The same for items that come one after the other, each with the list in which it stands.
#[derive(Debug, Default)]
pub(super) struct Trail {
    list: String,
    option: Option<String>,
    programs: u8,
}

impl Trail {
    /// Takes the next text of a document by its pointer, and gives where a secret begins in it.
    pub(super) fn secret_in(&mut self, pointer: &str, item: &str) -> Option<usize> {
        let (list, position) = pointer.rsplit_once('/')?;
        let is_item = !position.is_empty() && position.bytes().all(|byte| byte.is_ascii_digit());
        let goes_on = is_item && self.list == list;
        let command = match goes_on {
            true => Command {
                option: self.option.as_deref(),
                programs: self.programs,
            },
            false => Command::default(),
        };
        let found = Some(command).filter(|command| *command != Command::default());
        let found = found.and_then(|command| command.secret_in(item));
        let programs = command.programs | if is_item { program(item) } else { 0 };
        let is_option = is_item && item.starts_with('-');
        self.programs = programs;
        self.option = is_option.then(|| item.to_owned());
        if !goes_on {
            self.list.clear();
            if programs != 0 || is_option {
                self.list.push_str(list);
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is hidden of each item of a command.
    fn secrets<'i>(items: &[&'i str]) -> Vec<&'i str> {
        let mut trail = Trail::default();
        let one_by_one: Vec<Option<usize>> = (0..items.len()).map(|at| trail.secret_in(&format!("/c/{at}"), items[at])).collect();
        let at = |index: usize| Command::before(|at| items.get(at).copied(), index).secret_in(items[index]);
        assert_eq!(one_by_one, (0..items.len()).map(at).collect::<Vec<_>>(), "{items:?}");
        let found = items.iter().zip(one_by_one);
        found.filter_map(|(item, at)| Some(&item[at?..])).collect()
    }

    #[test]
    fn what_stands_behind_an_option_that_brings_a_secret_is_one() {
        for (items, secret) in [
            (&["psql", "--password", "x"][..], "x"),
            (&["app", "--db-password", "postgres"], "postgres"),
            (&["app", "-token", "Sup3rHush01Qx"], "Sup3rHush01Qx"),
            (&["/usr/bin/curl", "-s", "-u", "user:pw", "https://a"], "pw"),
            (&["-u", "admin:Sup3rHush01Qx"], "Sup3rHush01Qx"),
            (&["docker", "login", "-u", "me", "-p", "pw1"], "pw1"),
            (&["redis-cli", "-a", "pw1"], "pw1"),
            (&["mysql", "-uroot", "-pS3cret"], "S3cret"),
        ] {
            assert_eq!(secrets(items), [secret], "{items:?}");
        }
    }

    #[test]
    fn other_options_take_no_secrets() {
        for items in [
            &["psql", "--no-password", "shop"][..],
            &["app", "--password", "--verbose"],
            &["app", "--password", "$DB_PASSWORD"],
            &["app", "--token", "arn:aws:sns:us-east-1:123456789012:x"],
            &["app", "--token", "enabled"],
            &["app", "--password"],
            &["docker", "run", "-u", "1000:1000"],
            &["docker", "run", "-u", "www:www", "-p", "8080:80"],
            &["app", "-u", "https://a.example.com"],
            &["grep", "-pattern", "x"],
            &["echo", "Sup3rHush01Qx"],
        ] {
            assert!(secrets(items).is_empty(), "{items:?}");
        }
    }

    #[test]
    fn a_command_ends_with_its_list() {
        let mut trail = Trail::default();
        assert_eq!(trail.secret_in("/a/0", "--password"), None);
        assert_eq!(trail.secret_in("/b/0", "x"), None);
        assert_eq!(trail.secret_in("/a", "--password"), None);
        assert_eq!(trail.secret_in("/b", "x"), None, "these are no items");
    }
}
