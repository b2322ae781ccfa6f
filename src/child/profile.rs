//! The region of the parent's profile, read from the files that AWS SDKs share.
//!
//! A command that gets the run's own key pair loses its profile, and must not lose its region
//! with it. Nothing else is read from those files, least of all credentials.

use std::path::PathBuf;

use super::environment::Environment;

/// The region of the profile that `parent` selects (`AWS_PROFILE`, then `AWS_DEFAULT_PROFILE`,
/// then `default`), from the config file (`AWS_CONFIG_FILE`, else `~/.aws/config`). A file that
/// is not there or cannot be read says nothing.
pub fn region(parent: &Environment) -> Option<String> {
    let file = set(parent, "AWS_CONFIG_FILE")
        .map(|path| expanded(path, parent))
        .or_else(|| Some(home(parent)?.join(".aws/config")))?;
    let text = std::fs::read_to_string(file).ok()?;
    let profile = set(parent, "AWS_PROFILE")
        .or_else(|| set(parent, "AWS_DEFAULT_PROFILE"))
        .unwrap_or("default");
    region_in(&text, profile).map(str::to_owned)
}

/// The `region` in the section of `profile`. Sections are `[profile NAME]`, with or without
/// quotes about the name, and `[default]`, which may also be written like the others. Indented
/// lines belong to the setting above them.
fn region_in<'a>(text: &'a str, profile: &str) -> Option<&'a str> {
    let mut inside = false;
    let mut found = None;
    for line in text.lines() {
        if let Some(section) = line.trim_end().strip_prefix('[') {
            inside = section.split(']').next().is_some_and(|section| names(section, profile));
        } else if inside && let Some((name, value)) = line.split_once('=') {
            let value = value.split(" #").next().unwrap_or(value).split(" ;").next().unwrap_or(value).trim();
            if name.trim_end() == "region" && !value.is_empty() {
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
        assert_eq!(region_in(FILE, "default"), Some("eu-west-1"));
        assert_eq!(region_in(FILE, "build"), Some("ap-south-1"));
        assert_eq!(region_in(FILE, "two words"), Some("us-west-2"));
        assert_eq!(region_in(FILE, "empty"), None);
        assert_eq!(region_in(FILE, "other"), None);
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
}
