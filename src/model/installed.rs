//! The models that other programs have brought along.

use super::compile::ModelError;
use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};
use std::process::Command;

/// Prints where botocore (or the AWS CLI v2, which has one of its own) keeps its models, without
/// importing it, which would take half a second. The current folder is left out of the search: what
/// lies there is not installed.
const ASK: &str = "import sys
sys.path = [entry for entry in sys.path if entry not in ('', '.')]
import importlib.util, os
for name, below in (('botocore', 'data'), ('awscli', os.path.join('botocore', 'data'))):
    found = importlib.util.find_spec(name)
    path = os.path.join(os.path.dirname(found.origin), below) if found and found.origin else ''
    if os.path.isdir(path):
        print(path)
        break";

/// Where the AWS CLI v2 keeps its models, from the folder of its program: in its own distribution, and
/// where a package manager gave it a Python of its own.
const OF_CLI: [&str; 2] = ["awscli/botocore/data", "botocore/data"];

/// The file or folder that the user means: `botocore` is the `data` folder of the botocore that the
/// Python on `PATH` has installed, else that of the AWS CLI on `PATH`, and `botocore/s3` one service of it (`botocore/s3/2006-03-01` one
/// version), unless there is a file or folder of that path here.
///
/// # Errors
/// Where neither Python nor the AWS CLI has a botocore.
pub fn resolve(source: &Path) -> Result<PathBuf, ModelError> {
    let mut parts = source.components();
    if parts.next() != Some(Component::Normal("botocore".as_ref())) {
        return Ok(source.to_owned());
    }
    let below = parts.as_path();
    let is_bare = below.as_os_str().is_empty();
    if !is_bare && source.exists() {
        return Ok(source.to_owned());
    }
    let data = of_python().or_else(|missing| of_cli(std::env::var_os("PATH")).ok_or(missing))?;
    Ok(if is_bare { data } else { data.join(below) })
}

fn of_python() -> Result<PathBuf, ModelError> {
    let missing = |problem: String| ModelError::NoBotocore { problem };
    let pythons = ["python3", "python"];
    let answered = pythons.iter().find_map(|python| {
        let output = Command::new(python).args(["-c", ASK]).output().ok()?;
        Some((*python, output))
    });
    let Some((python, output)) = answered else {
        return Err(missing("neither `python3` nor `python` is on PATH".to_owned()));
    };
    let path = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let last = said.lines().last().unwrap_or("nothing").to_owned();
        return Err(missing(format!("`{python}` ended with {}, saying `{last}`", output.status)));
    }
    if path.is_empty() {
        return Err(missing(format!("neither the `{python}` nor an `aws` on PATH has one")));
    }
    Ok(PathBuf::from(path))
}

/// The models of the first `aws` of a search path that has any.
fn of_cli(search: Option<OsString>) -> Option<PathBuf> {
    let search = search?;
    let programs = std::env::split_paths(&search).map(|folder| folder.join("aws"));
    programs.filter(|file| file.is_file()).find_map(|file| beside(&file))
}

/// The models beside a program, in its distribution or in the libraries that it was installed with.
/// Links lead there.
fn beside(program: &Path) -> Option<PathBuf> {
    let program = program.canonicalize().ok()?;
    let folder = program.parent()?;
    let below = |root: &Path| OF_CLI.map(|data| root.join(data)).into_iter().find(|data| data.is_dir());
    let versions = std::fs::read_dir(folder.parent()?.join("lib")).into_iter().flatten().flatten();
    let mut libraries: Vec<PathBuf> = versions
        .flat_map(|version| ["site-packages", "dist-packages"].map(|library| version.path().join(library)))
        .collect();
    libraries.sort();
    below(folder).or_else(|| libraries.iter().find_map(|library| below(library)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_called_botocore_is_a_path() {
        for path in ["models", "./botocore", "/x/botocore", "botocore.json"] {
            assert_eq!(resolve(Path::new(path)).unwrap(), Path::new(path));
        }
    }

    #[test]
    fn the_models_of_the_cli_lie_beside_its_program_wherever_links_lead() {
        let folder = tempfile::tempdir().unwrap();
        let at = |path: &str| folder.path().join(path);
        let distribution = at("aws-cli/v2/2.31.0/dist");
        let data = distribution.join("awscli/botocore/data");
        for made in [&data, &at("bin"), &at("aws-cli/v2/2.31.0/bin"), &at("empty")] {
            std::fs::create_dir_all(made).unwrap();
        }
        std::fs::write(distribution.join("aws"), "").unwrap();
        let link = |to: &str, from: &str| std::os::unix::fs::symlink(to, at(from)).unwrap();
        link("2.31.0", "aws-cli/v2/current");
        link("../dist/aws", "aws-cli/v2/2.31.0/bin/aws");
        link("../aws-cli/v2/current/bin/aws", "bin/aws");
        let search = std::env::join_paths([at("empty"), at("bin")]).unwrap();
        assert_eq!(of_cli(Some(search)), Some(data.canonicalize().unwrap()));
        assert_eq!(of_cli(Some(at("empty").into())), None);
        std::fs::write(at("empty/aws"), "").unwrap();
        for (root, library) in [("brew", "python3.13/site-packages"), ("usr", "python3/dist-packages")] {
            let own = at(root).join("lib").join(library).join("awscli/botocore/data");
            std::fs::create_dir_all(&own).unwrap();
            std::fs::create_dir_all(at(root).join("bin")).unwrap();
            std::fs::write(at(root).join("bin/aws"), "").unwrap();
            let search = std::env::join_paths([at("empty"), at(root).join("bin")]).unwrap();
            assert_eq!(of_cli(Some(search)), Some(own.canonicalize().unwrap()));
        }
    }

    #[test]
    fn botocore_is_what_python_has_and_a_part_of_it_is_below() {
        match resolve(Path::new("botocore")) {
            Ok(data) => {
                assert!(data.ends_with("botocore/data") && data.is_dir(), "{data:?}");
                assert_eq!(resolve(Path::new("botocore/s3")).unwrap(), data.join("s3"));
            }
            Err(error) => {
                eprintln!("no botocore here: {error}");
                assert!(
                    error.to_string().starts_with("there is no botocore to take models from: "),
                    "{error}"
                );
            }
        }
    }
}
