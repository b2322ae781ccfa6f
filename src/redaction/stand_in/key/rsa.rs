//! The one RSA key that stands for every other: made once for this purpose, and public.
//!
//! What tells one placeholder from another is the private exponent. Of these a key has many, as they
//! repeat with the least common multiple of `p - 1` and `q - 1`, and the primes here were chosen so
//! that these have a factor of 200 bits in common: 2^192 exponents are shorter than the modulus.

use super::Material;
use super::der;

/// `p * q`, of 2048 bits.
const MODULUS: &str = concat!(
    "ada83ccf4493edd133ce4b6133ad327285c39536264ec103fd33f51cbd616df016656bf4c07df04cbc2d98d9e33bf1d0",
    "6490ba86486944ec098dc355bba426000ad3bf796ad61ac3dd83e9570f2b8b101e15210b18033428a16c0b0f57fb67c8",
    "95e431a598345f7ed3acd7b49f47eac0b5813eb11f5e12766cc5f078ac831f051f244f1591874e66d6b37e9925e4491a",
    "463bc07c9edf0c70fe83a697cbee66c049f27e2a298b198b88d3302a895739349d77691c7edbd3e624d949fea85f78a5",
    "963dfdd6396f5d4a394df6c1a50520fbf0ef309d9cadcd1a7c6c0f9ca43246e3ced33e68e687fa3e73cc2cc983e680f7",
    "36d3ee27ef5886e58838838484c72e0b"
);

/// The least private exponent to the public one, 65537.
const EXPONENT: &str = concat!(
    "7be06b7804130fee53d34fa22badf8f53264616dccae58b5b629e3723f0fa8250ec86519c8424f0a7f7558f4b2d6bcc1",
    "4d265864d3e048badbf4eb700ef4a660e3db435f9cc4d5979063bfdf3b993e35aa90c8081767e7bfbbc25a66f56c0251",
    "c973ad0a14f3a1cf9cc80ce8938f4e92ed2e25acff52f4f6d9dc46a287aa7fbdb4586be6653c9f4cbc800457618ae897",
    "b4a9ba91df8e93410e565cd1b77d196ce33d3a539bb0c02b09da3f9178b5b0129089443aa1f805ef12491fe39f892cf4",
    "4abc06d9801fb3eaa9a6ade81246e732b09035b44e19791236d5077fcad8be74323baa7a9b02d9"
);

/// The least common multiple of `p - 1` and `q - 1`.
const PERIOD: &str = concat!(
    "a877f839a01e5d7b92d48826d194f32682c13d4e11fa452530d6d6934aab5408a9faf12b42904cbc37b6f2873a9cec60",
    "6586e33c1ad7faf59a26bbeeeda7b20095ea00c24dbb6618108cabd648f37bb251247cf33731e0c870f8d1911970c1f3",
    "81160f2e6883456814f32f60e36896e19f7871f47cfcd894e8868d7e026d895dde7001860e877ce646d951fca712d3d8",
    "ede9f5e21d17b27b1aee2823e43e0294eb0712dcf5caa9e85c3fecda5bc55b36b027b80741f60899e355f9abf4ce4fb1",
    "3faccbe4f72d66307fc1e84cec5411db994bf23644fc02e8d3c4069ce53d4cdfc2095a7b0a7914"
);

/// `p`.
const PRIME_1: &str = concat!(
    "d89821f85fa00cef5d7f52cba3eca66c098a0ee77d206a82f724f6e87b78ec52558c3f7b4ac844bc278266c551e8b159",
    "a6b4205c949a516ef325ba3155427859b717eaaf10783adb5c82d6d7044cc39bfdefda7123ec86597beb53cc1a47c682",
    "55eee2c3dc7d69b575d65a18e5920d3a0b0f913269ffcd6516d3ba4ec6630915"
);

/// `q`.
const PRIME_2: &str = concat!(
    "cd404fde208084a86c84fd0de175eb426d04cbeb146220cbe393ddf4194fd3a133b97c8634734ac8473092a89ddd298c",
    "e8c3c0fcaf8a123dfb88ae69e1597b15070722e6bba6d61d8d9aef95bcc4c01d3f66a4ca900927af5af64b390f3bc456",
    "94b8b0f5b2630e9b57675a70ce4b72e570811a0a8c7eb3d2a23bf11db240e29f"
);

/// The private exponent modulo `p - 1`.
const EXPONENT_1: &str = concat!(
    "230838365c011f167820e7db582026aac2c039b8e75c1ede1feb32a457942f6501c1356353ad20b0ee13015c58eb3204",
    "361a5c419d277894616f70b619fc2e4b147a21d33eeeb356579831f785128570ed99a5d336e442b6a67c61895996d25c",
    "b259790404dda4035d93d5eec0f2e680c4d937bad7ba301671a2bd37908ee421"
);

/// The private exponent modulo `q - 1`.
const EXPONENT_2: &str = concat!(
    "0be43efc5a9bb793de7db1ff9ce16d18f322050280b2d2bd9d58d2d232a93a54ab9f828470038200aa8738e806056b43",
    "dbb483b8e01ebac1d691ebb0fcba6774276d156b92d1aeb415a1356252867faef21e6b4bc51e92ab09351dd4977a59fc",
    "be2f19299305443261d4fe1b6d085806cd06ddd060a5729bb084928aaaea3177"
);

/// The inverse of `q` modulo `p`.
const COEFFICIENT: &str = concat!(
    "4cafb358dac609069f205540d08da2f0a0db03a8944f6b3a4d8a22c04d563766bbc990ed682e4718cc7477af2302b52b",
    "15149c8e103dd21b70e11b16f3b62834e5a6a76f541e7c625af6bcb9c4d009e15abd66e6c52e5f142b464e384dfb3f05",
    "6b613c12837546325a3ac9e0f9e75bf15190b4898eef893a8e7304720585723c"
);

const PUBLIC_EXPONENT: [u8; 3] = [1, 0, 1];

/// An `RSAPrivateKey` (RFC 8017, appendix A.1.2).
pub(super) fn pkcs1(material: &Material) -> Vec<u8> {
    let numbers = [
        vec![0],
        bytes(MODULUS),
        PUBLIC_EXPONENT.to_vec(),
        exponent(material),
        bytes(PRIME_1),
        bytes(PRIME_2),
        bytes(EXPONENT_1),
        bytes(EXPONENT_2),
        bytes(COEFFICIENT),
    ];
    der::sequence(&numbers.map(|number| der::integer(&number)).concat())
}

/// The public and the private numbers, each list in the order in which OpenSSH writes it.
pub(super) fn of_openssh(material: &Material) -> ([Vec<u8>; 2], [Vec<u8>; 6]) {
    let public = [PUBLIC_EXPONENT.to_vec(), bytes(MODULUS)];
    let private = [
        bytes(MODULUS),
        PUBLIC_EXPONENT.to_vec(),
        exponent(material),
        bytes(COEFFICIENT),
        bytes(PRIME_1),
        bytes(PRIME_2),
    ];
    (public, private)
}

/// Whether bytes hold this key, whatever is around it.
pub(super) fn is_in(bytes: &[u8]) -> bool {
    const LONGEST: usize = 2048;
    let holds = |number: &str| {
        let number = self::bytes(number);
        bytes.windows(number.len()).any(|window| window == number)
    };
    bytes.len() <= LONGEST && [MODULUS, PRIME_1, PRIME_2].into_iter().all(holds)
}

/// The private exponent of that number: the least one, and as many periods.
fn exponent(material: &Material) -> Vec<u8> {
    let (least, period) = (bytes(EXPONENT), bytes(PERIOD));
    let mut digits = vec![0u32; period.len() + material.len()];
    for (at, digit) in least.iter().rev().enumerate() {
        digits[at] += u32::from(*digit);
    }
    for (at, digit) in period.iter().rev().enumerate() {
        for (offset, factor) in material.iter().rev().enumerate() {
            digits[at + offset] += u32::from(*digit) * u32::from(*factor);
        }
    }
    let mut carry = 0;
    let mut out: Vec<u8> = digits
        .iter()
        .map(|digit| {
            let sum = digit + carry;
            carry = sum >> 8;
            sum as u8
        })
        .collect();
    out.reverse();
    out
}

pub(super) fn bytes(number: &str) -> Vec<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).unwrap_or_default() as u8;
    let pairs = number.as_bytes().as_chunks::<2>().0;
    pairs.iter().map(|[high, low]| digit(*high) << 4 | digit(*low)).collect()
}
