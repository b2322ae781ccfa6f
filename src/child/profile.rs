//! What the parent's profile settles, read from the file that AWS SDKs share.
//!
//! A command that gets the run's own key pair loses its profile, and must not lose its region
//! or its certificate authorities with it. Nothing else is read from that file, least of all
//! credentials.

use std::path::PathBuf;

use super::environment::Environment;

/// The region of the profile that `parent` selects (`AWS_PROFILE`, then `AWS_DEFAULT_PROFILE`,
/// then `default`), from the config file (`AWS_CONFIG_FILE`, else `~/.aws/config`). A file that
/// is not there or cannot be read says nothing.
pub fn region(parent: &Environment) -> Option<String> {
    setting_in(&config(parent)?, selected(parent), "region").map(str::to_owned)
}

/// The bundle of certificate authorities of that profile, or of the `default` one, which counts
/// once the child has lost its own.
pub fn ca_bundle(parent: &Environment) -> Option<PathBuf> {
    let text = config(parent)?;
    let found = setting_in(&text, selected(parent), "ca_bundle").or_else(|| setting_in(&text, "default", "ca_bundle"))?;
    Some(expanded(found, parent))
}

fn config(parent: &Environment) -> Option<String> {
    let file = set(parent, "AWS_CONFIG_FILE")
        .map(|path| expanded(path, parent))
        .or_else(|| Some(home(parent)?.join(".aws/config")))?;
    String::from_utf8(crate::document::read(&file).ok()?).ok()
}

fn selected(parent: &Environment) -> &str {
    set(parent, "AWS_PROFILE")
        .or_else(|| set(parent, "AWS_DEFAULT_PROFILE"))
        .unwrap_or("default")
}

/// The value of a setting in the section of `profile`. Sections are `[profile NAME]`, with or without
/// quotes about the name, and `[default]`, which may also be written like the others. Indented
/// lines belong to the setting above them.
fn setting_in<'a>(text: &'a str, profile: &str, setting: &str) -> Option<&'a str> {
    let mut inside = false;
    let mut found = None;
    for line in text.lines() {
        if let Some(section) = line.trim_end().strip_prefix('[') {
            inside = section.split(']').next().is_some_and(|section| names(section, profile));
        } else if inside && let Some((name, value)) = line.split_once('=') {
            let value = value.split(" #").next().unwrap_or(value).split(" ;").next().unwrap_or(value).trim();
            if name.trim_end() == setting && !value.is_empty() {
                found = Some(value);
            }
        }
    }
    found
}

fn names(section: &str, profile: &str) -> bool {
    let section = section.trim();
    match section.strip_prefix("profile").filter(|rest| rest.starts_with(char::is_whitespace)) {
        Some(name) => name.trim().trim_matches(['"', '\'']) == profile,
        None => section == "default" && profile == "default",
    }
}

fn set<'a>(parent: &'a Environment, name: &str) -> Option<&'a str> {
    parent.get(name).map(String::as_str).filter(|value| !value.is_empty())
}

fn home(parent: &Environment) -> Option<PathBuf> {
    set(parent, "HOME").map(PathBuf::from)
}

/// The path with a leading `~/` resolved, as the SDKs do.
fn expanded(path: &str, parent: &Environment) -> PathBuf {
    match (path.strip_prefix("~/"), home(parent)) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => PathBuf::from(path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "# comment\n[default]\nregion = eu-west-1\noutput = json\n\n[profile build]\nregion=ap-south-1 # near\ns3 =\n  region = no\n[profile \"two words\"]\nregion = us-west-2\n[sso-session build]\nregion = eu-north-1\n[profile empty]\nregion =\n";

    fn parent(pairs: &[(&str, &str)]) -> Environment {
        pairs.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
    }

    #[test]
    fn the_region_is_that_of_the_profiles_own_section() {
        assert_eq!(setting_in(FILE, "default", "region"), Some("eu-west-1"));
        assert_eq!(setting_in(FILE, "build", "region"), Some("ap-south-1"));
        assert_eq!(setting_in(FILE, "two words", "region"), Some("us-west-2"));
        assert_eq!(setting_in(FILE, "empty", "region"), None);
        assert_eq!(setting_in(FILE, "other", "region"), None);
    }

    #[test]
    fn the_config_file_and_the_profile_are_those_of_the_parent() {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().to_str().unwrap();
        std::fs::create_dir(folder.path().join(".aws")).unwrap();
        std::fs::write(folder.path().join(".aws/config"), FILE).unwrap();
        std::fs::write(folder.path().join("other"), "[profile build]\nregion = sa-east-1\n").unwrap();
        assert_eq!(region(&parent(&[("HOME", home)])).as_deref(), Some("eu-west-1"));
        assert_eq!(
            region(&parent(&[("HOME", home), ("AWS_DEFAULT_PROFILE", "build")])).as_deref(),
            Some("ap-south-1")
        );
        let moved = [("HOME", home), ("AWS_PROFILE", "build"), ("AWS_CONFIG_FILE", "~/other")];
        assert_eq!(region(&parent(&moved)).as_deref(), Some("sa-east-1"));
        assert_eq!(region(&parent(&[("HOME", "/no/such/home")])), None);
    }

    #[test]
    fn the_authorities_are_those_of_the_profile_or_of_the_default_one() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config");
        std::fs::write(
            &file,
            "[default]\nca_bundle = ~/all.pem\n[profile build]\nca_bundle=/etc/build.pem\n[profile x]\n",
        )
        .unwrap();
        let bundle = |profile: &str| {
            ca_bundle(&parent(&[
                ("AWS_CONFIG_FILE", file.to_str().unwrap()),
                ("AWS_PROFILE", profile),
                ("HOME", "/h"),
            ]))
        };
        assert_eq!(bundle("build"), Some(PathBuf::from("/etc/build.pem")));
        assert_eq!(bundle("x"), Some(PathBuf::from("/h/all.pem")));
        std::fs::write(&file, "[profile x]\nregion = eu-west-1\n").unwrap();
        assert_eq!(bundle("x"), None);
    }
}
