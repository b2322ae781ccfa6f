//! The key pair of one run, given to the program under test. It is good nowhere but here.

use crate::child::environment::KeyPair;
use anyhow::bail;

const BASE_32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const BASE_64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// A random pair that looks like any other: `AKIA` and 16 characters, and a secret of 40. It is new in each
/// run, also in one that plays: programs such as the CDK remember which account a key is of.
pub fn key_pair() -> anyhow::Result<KeyPair> {
    let mut random = [0; 56];
    if let Err(error) = getrandom::fill(&mut random) {
        bail!("the system gives no random numbers: {error}");
    }
    let (id, secret) = random.split_at(16);
    let spell = |bytes: &[u8], alphabet: &[u8]| -> String {
        let letters = bytes.iter().map(|byte| char::from(alphabet[usize::from(*byte) % alphabet.len()]));
        letters.collect()
    };
    Ok(KeyPair {
        access_key_id: format!("AKIA{}", spell(id, BASE_32)),
        secret_access_key: spell(secret, BASE_64),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_run_has_a_pair_of_its_own() {
        let [one, other] = [key_pair().unwrap(), key_pair().unwrap()];
        assert_eq!((one.access_key_id.len(), one.secret_access_key.len()), (20, 40));
        assert_ne!(one.access_key_id, other.access_key_id);
    }
}
