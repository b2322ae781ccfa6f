//! The models that other programs have brought along.

use super::compile::ModelError;
use std::path::{Component, Path, PathBuf};
use std::process::Command;

/// Prints where botocore keeps its models, without importing it, which would take half a second. The
/// current folder is left out of the search: what lies there is not installed.
const ASK: &str = "import sys
sys.path = [entry for entry in sys.path if entry not in ('', '.')]
import importlib.util, os
found = importlib.util.find_spec('botocore')
print(os.path.join(os.path.dirname(found.origin), 'data') if found and found.origin else '')";

/// The file or folder that the user means: `botocore` is the `data` folder of the botocore that the
/// Python on `PATH` has installed, and `botocore/s3` one service of it (`botocore/s3/2006-03-01` one
/// version), unless there is a file or folder of that path here.
///
/// # Errors
/// Where there is no Python, or it has no botocore.
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
    let data = botocore()?;
    Ok(if is_bare { data } else { data.join(below) })
}

fn botocore() -> Result<PathBuf, ModelError> {
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
        return Err(missing(format!("the `{python}` on PATH has none installed")));
    }
    Ok(PathBuf::from(path))
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
