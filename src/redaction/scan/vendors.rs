//! The forms of the secrets of other vendors, by what they begin with.
//!
//! Source: the public documentation of each vendor, which fixes prefix and alphabet so that such
//! secrets can be found.

use super::compile;
use regex::Regex;
use std::sync::LazyLock;

/// Alternatives, each beginning at a word. Entries are only ever added.
const FORMS: [&str; 42] = [
    // Anthropic, OpenAI and others that follow them.
    r"sk-[A-Za-z0-9_-]{20,}",
    // Amazon: Marketplace Web Service, Bedrock, IAM Identity Center, EKS.
    r"amzn\.mws\.[0-9a-f-]{36}",
    r"ABSK[A-Za-z0-9+/]{60,}={0,2}",
    r"bedrock-api-key-[A-Za-z0-9+/=_-]{20,}",
    r"aoa[AQgw][A-Za-z0-9_-]{50,}(?::[A-Za-z0-9+/=_-]+)?",
    r"k8s-aws-v1\.[A-Za-z0-9_-]{20,}",
    // ECR's password: `{"payload":` in base64.
    r"eyJwYXlsb2FkIjo[A-Za-z0-9+/=_-]{40,}",
    r"AGE-SECRET-KEY-1[A-Z0-9]{20,}",
    r"ATATT3[A-Za-z0-9_=-]{20,}",
    r"AIza[0-9A-Za-z_-]{35}",
    r"GOCSPX-[A-Za-z0-9_-]{20,}",
    r"ya29\.[0-9A-Za-z_-]{20,}",
    r"NRAK-[A-Z0-9]{27}",
    r"PMAK-[A-Za-z0-9-]{30,}",
    r"SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}",
    r"SK[0-9a-f]{32}",
    r"cio[A-Za-z0-9]{32}",
    r"ckey_[A-Za-z0-9]{20,}",
    r"dapi[0-9a-f]{32}",
    r"dckr_[op]at_[A-Za-z0-9_-]{20,}",
    r"do[opr]_v1_[0-9a-f]{64}",
    r"dp\.(?:pt|st|ct|sa|scim|audit)\.[A-Za-z0-9._-]{20,}",
    r"figd_[A-Za-z0-9_-]{20,}",
    r"gh[opsur]_[A-Za-z0-9]{20,}",
    r"github_pat_[A-Za-z0-9_]{20,}",
    r"gl(?:pat|dt|rt|ft|soat|cbt|ptt|agent)-[A-Za-z0-9_-]{16,}",
    r"gl(?:sa|c)_[A-Za-z0-9_+/=]{20,}",
    r"hf_[A-Za-z0-9]{20,}",
    r"hv[sbr]\.[A-Za-z0-9_-]{20,}",
    r"lin_(?:api|oauth)_[A-Za-z0-9]{20,}",
    r"npm_[A-Za-z0-9]{20,}",
    r"ntn_[A-Za-z0-9]{20,}",
    r"pscale_(?:tkn|pw|oauth)_[A-Za-z0-9_.=-]{20,}",
    r"pypi-[A-Za-z0-9_-]{20,}",
    r"rubygems_[0-9a-f]{20,}",
    r"shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}",
    r"sq0[a-z]{3}-[0-9A-Za-z_-]{20,}",
    r"(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{10,}",
    r"tfp_[A-Za-z0-9_-]{20,}",
    r"whsec_[A-Za-z0-9+/=]{16,}",
    r"xapp-[0-9]-[A-Za-z0-9-]{20,}",
    r"xox[abceprs]-[A-Za-z0-9-]{10,}",
];

/// Forms that begin with nothing of their own.
const OTHERS: [&str; 3] = [
    r"[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_-]{40,}",
    r"hooks\.slack\.com/(?:services|workflows)/[A-Za-z0-9/]{20,}",
    r"discord(?:app)?\.com/api/webhooks/[0-9]+/[A-Za-z0-9_-]{20,}",
];

/// What a text that holds one of them contains: quick to look for.
pub(super) const TRIGGERS: [&str; 46] = [
    "sk-",
    r"amzn\.mws",
    "ABSK",
    "bedrock-api",
    "aoa",
    "k8s-aws",
    "eyJw",
    "AGE-SEC",
    "ATATT",
    "AIza",
    "GOCSPX",
    "ya29",
    "NRAK",
    "PMAK",
    r"SG\.",
    "SK[0-9a-f]",
    "cio[A-Za-z0-9]{9}",
    "ckey_",
    "dapi[0-9a-f]",
    "dckr_",
    "do[opr]_v1",
    r"dp\.",
    "figd_",
    "gh[opsur]_",
    "github_",
    "gl(?:pat|dt|rt|ft|soat|cbt|ptt|agent)-",
    "gl(?:sa|c)_",
    "hf_",
    r"hv[sbr]\.",
    "lin_",
    "npm_",
    "ntn_",
    "pscale",
    "pypi-",
    "rubygems",
    "shp(?:at|ca|pa|ss)_",
    "sq0",
    "_live_",
    "_test_",
    "tfp_",
    "whsec",
    "xapp-",
    "xox",
    "atlasv1",
    r"hooks\.slack",
    "webhooks",
];

/// Whether one of them may be in a text.
pub(super) static TRIGGER: LazyLock<Regex> = LazyLock::new(|| compile(&format!("(?-u){}", TRIGGERS.join("|"))));

/// One pattern for all of them, on text or bytes.
pub(super) static PATTERN: LazyLock<String> = LazyLock::new(|| format!(r"(?-u:\b)(?:{}|{})", FORMS.join("|"), OTHERS.join("|")));

/// All of them, on text.
pub(super) static VENDORS: LazyLock<Regex> = LazyLock::new(|| compile(&PATTERN));
