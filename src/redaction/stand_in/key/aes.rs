//! AES-256 in CBC mode with PKCS #7 padding (FIPS 197, RFC 8018), only to write keys that are public:
//! it is neither fast nor safe against who measures its time.

const BLOCK: usize = 16;
const ROUNDS: usize = 14;

/// What a key of 32 bytes makes of a text.
pub(super) fn encrypted(key: &[u8; 32], vector: &[u8; BLOCK], text: &[u8]) -> Vec<u8> {
    let table = substitutions();
    let keys = round_keys(key, &table);
    let padding = BLOCK - text.len() % BLOCK;
    let padded: Vec<u8> = text.iter().copied().chain(std::iter::repeat_n(padding as u8, padding)).collect();
    let mut before = *vector;
    let mut out = Vec::with_capacity(padded.len());
    for block in padded.as_chunks::<BLOCK>().0 {
        let mixed = std::array::from_fn(|at| block[at] ^ before[at]);
        before = block_of(mixed, &keys, &table);
        out.extend_from_slice(&before);
    }
    out
}

fn block_of(mut state: [u8; BLOCK], keys: &[[u8; BLOCK]], table: &[u8; 256]) -> [u8; BLOCK] {
    for (round, key) in keys.iter().enumerate() {
        if round > 0 {
            // Bytes are substituted and each row is turned by its number.
            state = std::array::from_fn(|at| table[usize::from(state[(at + 4 * (at % 4)) % BLOCK])]);
        }
        if (1..ROUNDS).contains(&round) {
            state = std::array::from_fn(|at| {
                let (column, row) = (at / 4 * 4, at % 4);
                let byte = |offset: usize| state[column + (row + offset) % 4];
                doubled(byte(0)) ^ doubled(byte(1)) ^ byte(1) ^ byte(2) ^ byte(3)
            });
        }
        state = std::array::from_fn(|at| state[at] ^ key[at]);
    }
    state
}

fn round_keys(key: &[u8; 32], table: &[u8; 256]) -> Vec<[u8; BLOCK]> {
    let mut words: Vec<[u8; 4]> = key.as_chunks::<4>().0.to_vec();
    let mut constant = 1;
    while words.len() < 4 * (ROUNDS + 1) {
        let at = words.len();
        let mut word = words[at - 1];
        if at.is_multiple_of(8) {
            word.rotate_left(1);
        }
        if at.is_multiple_of(4) {
            word = word.map(|byte| table[usize::from(byte)]);
        }
        if at.is_multiple_of(8) {
            word[0] ^= constant;
            constant = doubled(constant);
        }
        words.push(std::array::from_fn(|byte| word[byte] ^ words[at - 8][byte]));
    }
    let keys = words.as_chunks::<4>().0.iter();
    keys.map(|words| std::array::from_fn(|at| words[at / 4][at % 4])).collect()
}

/// Twice a number of the field of 256.
fn doubled(byte: u8) -> u8 {
    byte << 1 ^ if byte & 0x80 == 0 { 0 } else { 0x1b }
}

/// The inverse of each byte in that field, turned and mixed.
fn substitutions() -> [u8; 256] {
    let mut table = [0x63; 256];
    let (mut number, mut inverse) = (1u8, 1u8);
    loop {
        // Three times the one, and a third of the other.
        number ^= doubled(number);
        inverse ^= inverse << 1;
        inverse ^= inverse << 2;
        inverse ^= inverse << 4;
        if inverse & 0x80 != 0 {
            inverse ^= 0x09;
        }
        let turned = (1..5).fold(inverse, |all, bits| all ^ inverse.rotate_left(bits));
        table[usize::from(number)] = turned ^ 0x63;
        if number == 1 {
            return table;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_is_encrypted_as_the_standard_shows() {
        // FIPS 197, appendix C.3.
        let key = std::array::from_fn(|at| at as u8);
        let text: [u8; BLOCK] = std::array::from_fn(|at| at as u8 * 0x11);
        let expected = [
            0x8e, 0xa2, 0xb7, 0xca, 0x51, 0x67, 0x45, 0xbf, 0xea, 0xfc, 0x49, 0x90, 0x4b, 0x49, 0x60, 0x89,
        ];
        let made = encrypted(&key, &[0; BLOCK], &text);
        assert_eq!((made.len(), &made[..BLOCK]), (2 * BLOCK, &expected[..]));
    }
}
