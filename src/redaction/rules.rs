//! Which places of a value must not be written: what the model marks, what it forgets to mark, and
//! what the user asked to keep.
//!
//! Sources: `smithy.api#sensitive` (Smithy 2.0, "Documentation traits"), and the public API
//! references of the services in [`LISTED`], whose models leave credentials unmarked. Both the
//! redactor and the matcher step through a value with a [`Context`], so they cannot disagree.

use crate::model::schema::{Member, Service, ShapeIndex, ShapeKind};

/// A rule of redaction. The names are what a cassette lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// `Authorization` and what belongs to a signature, in headers and presigned URLs.
    AwsSignature,
    /// Session and security tokens.
    SessionToken,
    /// Members that the model marks.
    SensitiveMembers,
    /// Credentials in known places that models do not mark, and headers that carry some.
    Credentials,
    /// Access key ids, wherever they are.
    AccessKeyId,
    /// AWS account ids.
    AccountId,
    /// Secrets recognised by their form or by the name before them.
    SecretForms,
}

impl Rule {
    /// Every rule, in the order in which a cassette lists them.
    pub const ALL: [Rule; 7] = [
        Rule::AwsSignature,
        Rule::SessionToken,
        Rule::SensitiveMembers,
        Rule::Credentials,
        Rule::AccessKeyId,
        Rule::AccountId,
        Rule::SecretForms,
    ];

    /// The rule's id in a cassette.
    pub fn id(self) -> &'static str {
        match self {
            Rule::AwsSignature => "aws-signature",
            Rule::SessionToken => "session-token",
            Rule::SensitiveMembers => "sensitive-members",
            Rule::Credentials => "credentials",
            Rule::AccessKeyId => "access-key-id",
            Rule::AccountId => "account-id",
            Rule::SecretForms => "secret-forms",
        }
    }
}

/// An unmarked credential: the structure that holds it (empty: any) and the member's name.
type Listed = (&'static str, &'static str);

/// Credentials in places that models leave unmarked, by `sdkId`. Entries are only ever added.
static LISTED: &[(&str, &[Listed])] = &[
    ("API Gateway", &[("ApiKey", "value"), ("CreateApiKeyRequest", "value")]),
    ("Amplify", &[("", "environmentVariables"), ("", "accessToken"), ("", "oauthToken")]),
    ("AppSync", &[("ApiKey", "id")]),
    ("Batch", &[("KeyValuePair", "value")]),
    (
        "CloudFormation",
        &[
            ("Parameter", "ParameterValue"),
            ("Parameter", "ResolvedValue"),
            ("Output", "OutputValue"),
        ],
    ),
    ("CodeBuild", &[("Webhook", "secret"), ("EnvironmentVariable", "value")]),
    (
        "Cognito Identity",
        &[
            ("Credentials", "AccessKeyId"),
            ("Credentials", "SecretKey"),
            ("Credentials", "SessionToken"),
        ],
    ),
    (
        "EC2",
        &[
            ("DescribeInstanceAttributeResult", "UserData"),
            ("GetConsoleOutputResult", "Output"),
        ],
    ),
    ("ECR", &[("AuthorizationData", "authorizationToken")]),
    ("ECR PUBLIC", &[("AuthorizationData", "authorizationToken")]),
    ("ECS", &[("KeyValuePair", "value")]),
    ("ElastiCache", &[("", "AuthToken")]),
    ("Elastic Beanstalk", &[("ConfigurationOptionSetting", "Value")]),
    (
        "Glue",
        &[("Connection", "ConnectionProperties"), ("ConnectionInput", "ConnectionProperties")],
    ),
    (
        "LakeFormation",
        &[("", "AccessKeyId"), ("", "SecretAccessKey"), ("", "SessionToken")],
    ),
    (
        "Lambda",
        &[("InvocationResponse", "LogResult"), ("FunctionCodeLocation", "Location")],
    ),
    (
        "Lightsail",
        &[
            ("", "secretAccessKey"),
            ("", "privateKeyBase64"),
            ("", "password"),
            ("", "userData"),
            ("", "masterUserPassword"),
        ],
    ),
    ("Neptune", &[("", "MasterUserPassword"), ("", "PreSignedUrl")]),
    (
        "RDS",
        &[("", "MasterUserPassword"), ("", "TdeCredentialPassword"), ("", "PreSignedUrl")],
    ),
    ("Redshift", &[("", "HsmPartitionPassword"), ("", "MasterUserPassword")]),
    (
        "SSM",
        &[
            ("StartSessionResponse", "TokenValue"),
            ("StartSessionResponse", "StreamUrl"),
            ("ResumeSessionResponse", "TokenValue"),
            ("ResumeSessionResponse", "StreamUrl"),
            ("CreateActivationResult", "ActivationCode"),
        ],
    ),
    (
        "SSO",
        &[
            ("RoleCredentials", "accessKeyId"),
            ("RoleCredentials", "secretAccessKey"),
            ("RoleCredentials", "sessionToken"),
        ],
    ),
    (
        "STS",
        &[
            ("Credentials", "AccessKeyId"),
            ("Credentials", "SecretAccessKey"),
            ("Credentials", "SessionToken"),
            ("DecodeAuthorizationMessageResponse", "DecodedMessage"),
        ],
    ),
    (
        "Service Catalog",
        &[
            ("ProvisioningParameter", "Value"),
            ("UpdateProvisioningParameter", "Value"),
            ("RecordOutput", "OutputValue"),
        ],
    ),
    ("mq", &[("", "Password")]),
];

/// Structures whose expiry SDKs check before they use the credentials beside it.
const EXPIRING: [&str; 2] = ["Credentials", "RoleCredentials"];

/// What is known of the place at which a walk through a value stands.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    service: Option<&'a Service>,
    listed: &'static [Listed],
    shape: Option<ShapeIndex>,
    /// The innermost member that describes the value, where the model knows it.
    pub member: Option<&'a Member>,
    /// The name of the innermost member or map entry; empty at the root.
    pub name: &'a str,
    /// Why the value must not be written, if it must not.
    pub secret: Option<Rule>,
    /// The value says when credentials beside it expire.
    pub expiry: bool,
    /// The message of a modelled error: it stays readable (tests assert on it).
    pub message: bool,
}

impl<'a> Context<'a> {
    /// The root of an input, output or error.
    pub fn root(service: &'a Service, shape: ShapeIndex) -> Context<'a> {
        let listed = LISTED
            .iter()
            .find(|(sdk_id, _)| *sdk_id == service.sdk_id)
            .map_or(&[][..], |(_, list)| list);
        Context {
            service: Some(service),
            listed,
            shape: Some(shape),
            secret: service.shape(shape).sensitive.then_some(Rule::SensitiveMembers),
            ..Context::unknown()
        }
    }

    /// A value that no model describes.
    pub fn unknown() -> Context<'a> {
        Context {
            service: None,
            listed: &[],
            shape: None,
            member: None,
            name: "",
            secret: None,
            expiry: false,
            message: false,
        }
    }

    /// The member or map entry `name` of this place.
    pub fn child<'b>(&self, name: &'b str) -> Context<'b>
    where
        'a: 'b,
    {
        let named = || is_secret_name(name).then_some(Rule::SecretForms);
        let next: Context<'b> = *self;
        let next = Context {
            name,
            member: None,
            shape: None,
            secret: self.secret.or_else(named),
            expiry: false,
            message: false,
            ..next
        };
        let (Some(service), Some(shape)) = (self.service, self.shape) else {
            return next;
        };
        let shape = service.shape(shape);
        match &shape.kind {
            ShapeKind::Map { value, .. } => next.at(value, next.secret),
            ShapeKind::Structure(members) | ShapeKind::Union(members) => match members.find(name) {
                None => next,
                Some(_) if shape.error.is_some() && name.eq_ignore_ascii_case("message") => Context {
                    message: true,
                    secret: None,
                    ..next
                },
                Some(member) => {
                    let listed = || {
                        self.listed
                            .iter()
                            .any(|(holder, listed)| *listed == name && (holder.is_empty() || *holder == shape.name()))
                    };
                    // A structure called `apiKey` is more than a secret: its members speak for themselves.
                    let inherited = self.secret.filter(|rule| *rule != Rule::SecretForms);
                    let secret = inherited.or_else(|| listed().then_some(Rule::Credentials));
                    let secret = secret.or_else(|| {
                        if member.sensitive {
                            None
                        } else {
                            named().filter(|_| !member.idempotency_token)
                        }
                    });
                    Context {
                        expiry: name.eq_ignore_ascii_case("expiration") && EXPIRING.contains(&shape.name()),
                        ..next.at(member, secret)
                    }
                }
            },
            _ => next,
        }
    }

    /// The items of the list at this place. They keep its name.
    pub fn item(&self) -> Context<'a> {
        let next = Context {
            member: None,
            shape: None,
            expiry: false,
            ..*self
        };
        match self.kind() {
            Some(ShapeKind::List(item)) => next.at(item, self.secret),
            _ => next,
        }
    }

    /// The keys of the map at this place.
    pub fn key(&self) -> Context<'a> {
        let next = Context {
            member: None,
            shape: None,
            expiry: false,
            ..*self
        };
        match self.kind() {
            Some(ShapeKind::Map { key, .. }) => next.at(key, self.secret),
            // The members of a structure are names of the model and no secrets.
            Some(ShapeKind::Structure(_) | ShapeKind::Union(_)) => Context { secret: None, ..next },
            _ => next,
        }
    }

    /// What the model says of the value here, where it knows.
    pub fn kind(&self) -> Option<&'a ShapeKind> {
        let service = self.service?;
        self.shape.map(|shape| &service.shape(shape).kind)
    }

    /// The place is a map entry by the model, so that its key is data and not a name.
    pub fn is_map(&self) -> bool {
        !matches!(self.kind(), Some(ShapeKind::Structure(_) | ShapeKind::Union(_)))
    }

    fn at(self, member: &'a Member, secret: Option<Rule>) -> Context<'a> {
        Context {
            member: Some(member),
            shape: Some(member.target),
            secret: secret.or(member.sensitive.then_some(Rule::SensitiveMembers)),
            ..self
        }
    }
}

/// Names that say that a secret stands behind them, without case, `-` and `_`; as suffixes.
const SECRET_NAMES: [&str; 14] = [
    "password",
    "passwd",
    "passphrase",
    "secretaccesskey",
    "secretkey",
    "clientsecret",
    "sessiontoken",
    "securitytoken",
    "privatekey",
    "authtoken",
    "authorizationtoken",
    "accesstoken",
    "refreshtoken",
    "apikey",
];

/// Whether the name of a member, entry or parameter says that its value is a secret.
pub fn is_secret_name(name: &str) -> bool {
    // The shortest suffix has six letters; what is longer than the buffer keeps its end.
    if name.len() < 6 {
        return false;
    }
    let letters = || {
        name.bytes()
            .rev()
            .filter(|byte| !matches!(byte, b'-' | b'_'))
            .map(|byte| byte.to_ascii_lowercase())
    };
    // How all of them end, and few other names: the rest is not looked at.
    let mut ending = letters();
    let (last, before) = (ending.next().unwrap_or(0), ending.next().unwrap_or(0));
    if !matches!([before, last], [b'r' | b'w', b'd'] | [b's', b'e'] | [b'e', b'y' | b't' | b'n']) {
        return false;
    }
    let mut buffer = [0u8; 24];
    let mut at = buffer.len();
    for byte in letters() {
        if at == 0 {
            break;
        }
        at -= 1;
        buffer[at] = byte;
    }
    let end = &buffer[at..];
    SECRET_NAMES.iter().any(|suffix| end.ends_with(suffix.as_bytes()))
}

/// Whether the name of a member says that an account id stands behind it.
pub fn is_account_name(name: &str) -> bool {
    let name = name.strip_suffix('s').unwrap_or(name);
    let ends = |suffix: &str| {
        name.len() >= suffix.len()
            && name.is_char_boundary(name.len() - suffix.len())
            && name[name.len() - suffix.len()..].eq_ignore_ascii_case(suffix)
    };
    [
        "account",
        "accountid",
        "account_id",
        "owner",
        "ownerid",
        "owner_id",
        "registryid",
        "catalogid",
    ]
    .iter()
    .any(|suffix| ends(suffix))
}

/// Whether `pattern`, a pointer in which `*` stands for any one token, leads to `pointer`.
pub fn leads_to(pattern: &str, pointer: &str) -> bool {
    let (mut wanted, mut given) = (pattern.split('/'), pointer.split('/'));
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return true,
            (Some(wanted), Some(given)) if wanted == "*" || wanted == given => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_secrets_whatever_their_spelling() {
        for name in [
            "password",
            "DB_PASSWORD",
            "masterUserPassword",
            "secret_access_key",
            "x-api-key",
            "ClientSecret",
        ] {
            assert!(is_secret_name(name), "{name}");
        }
        for name in [
            "name",
            "clientToken",
            "NextToken",
            "keyId",
            "passwordPolicy",
            "IdempotencyToken",
            "pass",
        ] {
            assert!(!is_secret_name(name), "{name}");
        }
    }

    #[test]
    fn every_secret_name_is_one() {
        assert!(SECRET_NAMES.iter().all(|name| is_secret_name(name)));
    }

    #[test]
    fn names_tell_accounts() {
        for name in ["accountId", "OwnerId", "Account", "AccountIds", "SourceAccount", "registryId"] {
            assert!(is_account_name(name), "{name}");
        }
        for name in ["count", "id", "OrderNumber", "é"] {
            assert!(!is_account_name(name), "{name}");
        }
    }

    #[test]
    fn a_kept_path_may_pass_over_list_positions() {
        assert!(leads_to("/tags/*/value", "/tags/3/value"));
        assert!(leads_to("/spec", "/spec"));
        assert!(!leads_to("/spec", "/spec/a"));
        assert!(!leads_to("/tags/*", "/tags"));
    }

    #[test]
    fn every_rule_has_its_own_id() {
        let ids: std::collections::HashSet<_> = Rule::ALL.iter().map(|rule| rule.id()).collect();
        assert_eq!(ids.len(), Rule::ALL.len());
    }
}
