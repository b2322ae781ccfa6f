use super::*;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

const KEY_ID: &str = "AKIAIOSFODNN7SECRETS";

fn scrubbed(text: &str) -> String {
    let stand_ins = StandIns::new("salt");
    Search::new(&stand_ins, &Budget::default())
        .scrub(text)
        .map_or_else(|| text.to_owned(), |(text, _)| text)
}

fn secrets() -> Vec<(String, &'static str)> {
    let token = format!("IQoJb3JpZ2luX2VjE{}", "Ab3/".repeat(40));
    vec![
        (format!("key {KEY_ID}."), "AKIAIOSFODNN7"),
        (format!("token={token}"), "IQoJb3JpZ2luX2"),
        ("bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln".to_owned(), "c2ln"),
        (
            "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA\n-----END RSA PRIVATE KEY-----".to_owned(),
            "MIIEpAIBAAKCAQEA",
        ),
        (
            "https://b.s3.amazonaws.com/k?X-Amz-Signature=abcdef0123&X-Amz-Expires=60".to_owned(),
            "abcdef0123",
        ),
        (
            "https://b/k?X-Amz-Credential=AKIAIOSFODNN7SECRETS%2F20200101".to_owned(),
            "AKIAIOSFODNN7",
        ),
        ("postgres://admin:hunter2@db/x".to_owned(), "hunter2"),
        ("db_password: hunter2".to_owned(), "hunter2"),
        ("PASSWORD='two words'".to_owned(), "words"),
        (r#"{"a":[{"clientSecret":"hunter2"}]}"#.to_owned(), "hunter2"),
        (r#"{"a":"{\"password\":\"hunter2\"}"}"#.to_owned(), "hunter2"),
        (STANDARD.encode(format!("my key is {KEY_ID} here")), "QUtJQUlP"),
        // Behind one thing or another, in the midst of a text.
        (
            format!("see {} there", URL_SAFE_NO_PAD.encode(format!("~~~my key is {KEY_ID}"))),
            "QUtJQUlP",
        ),
        (format!("/path/to/{}", STANDARD.encode(format!("my key is {KEY_ID}!"))), "QUtJQUlP"),
        (
            format!("data {}", STANDARD.encode(STANDARD.encode(format!("my key is {KEY_ID}")))),
            "U1VGSlQx",
        ),
        (
            format!("{}\n", STANDARD.encode(format!("{} and password=hunter2", "x".repeat(90))))
                .as_bytes()
                .chunks(76)
                .map(String::from_utf8_lossy)
                .collect::<Vec<_>>()
                .join("\n"),
            "aHVudGVy",
        ),
        ("go%3Fpassword%3Dhunter2%26next%3D1 on".to_owned(), "hunter2"),
        ("u=https%3A%2F%2Fa%3Fpassword%253Dhunter2&z=1".to_owned(), "hunter2"),
        ("%7B%22password%22%3A+%22hunter2%22%7D".to_owned(), "hunter2"),
        ("name=x&pass%77ord=hunter2&z=1".to_owned(), "hunter2"),
        ("a=b&note=say%20password%3Dhunter2&z=1".to_owned(), "hunter2"),
        (
            r#"[{"Key":"password","Value":"hunter2"},{"Key":"a","Value":"b"}]"#.to_owned(),
            "hunter2",
        ),
        (r#"{"password":{"S":"hunter2"},"a":{"S":"b"}}"#.to_owned(), "hunter2"),
        (
            "{\"password\":\"hunter2\"}\n{\"pass\\u0077ord\":\"hunter2\"}\n".to_owned(),
            "hunter2",
        ),
        (
            r#"INFO sent [{"Key":"password","Value":"hunter2"}] to {"a": [1, {"password": {"S": "hunter2"}}]} {"#.to_owned(),
            "hunter2",
        ),
        ("<a><db:DbPassword>hunter2</db:DbPassword></a>".to_owned(), "hunter2"),
        (format!("{KEY_ID},{}\n", "wJalr/XUt".repeat(5).get(..40).unwrap()), "wJalr/XUt"),
        ("Authorization: Basic YWRtaW46aHVudGVyMg==".to_owned(), "YWRtaW46"),
        ("curl -H 'X: bearer abcdefghij0123456789xyz'".to_owned(), "abcdefghij0123456789"),
        (format!("Signature={}", "0a1b2c3d".repeat(8)), "0a1b2c3d0a1b"),
        ("Cookie: session=hunter2hunter2".to_owned(), "hunter2"),
        (
            "Encoded authorization failure message: aBcDeFgHiJkLmNoPqRsTuVwXyZ0123456789-_".to_owned(),
            "aBcDeFgHiJ",
        ),
        (format!("gh{}_{}", "p", "a1B2".repeat(9)), "a1B2a1B2"),
        (format!("sk_{}_{}", "live", "a1B2".repeat(5)), "a1B2a1B2"),
        (format!("xox{}-{}", "b", "12345-abcde-fghij"), "12345-abcde"),
    ]
}

#[test]
fn secrets_are_found_by_their_form_and_keep_it() {
    for (text, secret) in secrets() {
        let clean = scrubbed(&text);
        assert_ne!(clean, text);
        assert!(!clean.contains(secret), "{clean}");
    }
    let clean = scrubbed(&secrets()[0].0);
    assert!(clean.starts_with("key AKIA") && clean.len() == secrets()[0].0.len(), "{clean}");
    assert!(scrubbed(&secrets()[4].0).ends_with("&X-Amz-Expires=60"));
}

#[test]
fn scrubbing_twice_is_scrubbing_once() {
    let other = StandIns::new("another salt");
    for (text, _) in secrets() {
        let clean = scrubbed(&text);
        assert_eq!(scrubbed(&clean), clean);
        assert!(Search::new(&other, &Budget::default()).scrub(&clean).is_none(), "{clean}");
    }
}

#[test]
fn harmless_text_stays_as_it_is() {
    for text in [
        "",
        "a plain sentence about a password policy",
        "DbPassword:\n  Type: String",
        "Password: !Ref DbPassword",
        "password: ${DbPassword}",
        "SECRET_KEY=arn:aws:secretsmanager:us-east-1:481516234207:secret:x",
        r#"{"password":""}"#,
        r#"{"DbPassword":{"Type":"String","Description":"the password of the database"}}"#,
        r#"[{"Key":"name","Value":"password"}]"#,
        "arn:aws:iam::481516234207:role/secret",
        "arn:aws:secretsmanager:us-east-1:481516234207:secret:db/password-Tac7FMB",
        "arn:aws-cn:secretsmanager:cn-north-1:481516234207:secret:prod-x7Tac2FMB:password::",
        "https://docs.aws.amazon.com/a:b@c",
        "dG90YWxseSBoYXJtbGVzcyB0ZXh0IQ==",
        "a%20b%2Fc",
        "uses basic authentication and a bearer token",
        "arn:aws:proton:us-east-1:481516234207:service/frontend/service-instance/production-blue",
        "2f6c1f0d-4b1e-4a8e-9d0c-0d3f1d2b9a11",
    ] {
        assert_eq!(scrubbed(text), text);
    }
}

#[test]
fn only_the_secret_of_a_text_changes() {
    assert!(scrubbed("a=1&password=x%20y&c=%7E").starts_with("a=1&password="));
    assert!(scrubbed("a=1&password=x%20y&c=%7E").ends_with("&c=%7E"));
    let query = scrubbed("https://h/p?u=https%3A%2F%2Fa%2Fb%3Fpassword%3Dx%26k%3Dv&z=%2f");
    assert!(
        query.starts_with("https://h/p?u=https%3A%2F%2Fa%2Fb%3Fpassword%3D") && query.ends_with("%26k%3Dv&z=%2f"),
        "{query}"
    );
    let lines = scrubbed("{\"a\": 1.0}\r\n{\"password\":\"x\"}\r\n");
    assert!(
        lines.starts_with("{\"a\": 1.0}\r\n{\"password\":\"") && lines.ends_with("\"}\r\n"),
        "{lines}"
    );
}

#[test]
fn a_secret_has_one_stand_in_however_it_is_written() {
    let stand_in = StandIns::new("salt").text("hunter2 x");
    for text in [
        "a=b&password=hunter2%20x",
        "a=b&password=hunter2+x",
        r#"{"password":"hunter2 x"}"#,
        "<password>hunter2 x</password>",
        "password='hunter2 x'",
    ] {
        assert!(scrubbed(text).contains(&stand_in), "{text}");
    }
}

#[test]
fn bytes_are_searched_too() {
    let stand_ins = StandIns::new("salt");
    let budget = Budget::default();
    let search = Search::new(&stand_ins, &budget);
    let compressed = crate::codec::content::gzip(format!("key {KEY_ID}").as_bytes());
    let (clean, rule) = search.scrub_bytes(&compressed).unwrap();
    assert_eq!(rule, Rule::AccessKeyId);
    let mut inner = None;
    let _ = layers::in_bytes(&clean, &Budget::default(), &mut |text| {
        inner = Some(text.to_owned());
        None
    });
    assert!(inner.is_some_and(|text| text.starts_with("key AKIA") && !text.contains(KEY_ID)));
    let wide: Vec<u8> = "$password='hunter2'".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let (clean, _) = search.scrub_bytes(&wide).unwrap();
    assert!(search.scrub_bytes(&clean).is_none());
    let binary = [b"\xff\x00z".as_slice(), KEY_ID.as_bytes(), b"z\xfe"].concat();
    let (clean, _) = search.scrub_bytes(&binary).unwrap();
    assert_eq!((clean.len(), &clean[..3]), (binary.len(), b"\xff\x00z".as_slice()));
    assert!(!clean.windows(8).any(|window| window == b"AKIAIOSF"));
    assert!(search.scrub_bytes(&clean).is_none() && search.scrub_bytes(b"\xff\xfe\x00").is_none());
}

#[test]
fn every_vendors_form_is_found_by_its_beginning() {
    for (beginning, letters) in [
        ("sk-", 40),
        ("ABSK", 90),
        ("bedrock-api-key-", 40),
        ("aoaA", 60),
        ("k8s-aws-v1.", 40),
        ("AIza", 35),
        ("GOCSPX-", 28),
        ("ya29.", 40),
        ("dckr_pat_", 27),
        ("figd_", 40),
        ("gho_", 36),
        ("github_pat_", 60),
        ("glpat-", 20),
        ("glsa_", 32),
        ("hf_", 34),
        ("hvs.", 40),
        ("lin_api_", 40),
        ("npm_", 36),
        ("ntn_", 40),
        ("pscale_tkn_", 40),
        ("pypi-", 80),
        ("sq0atp-", 22),
        ("sk_live_", 24),
        ("tfp_", 40),
        ("whsec_", 32),
        ("xapp-1-", 60),
        ("xoxp-", 40),
        ("cio", 32),
        ("ckey_", 40),
        ("ATATT3", 100),
        ("dp.pt.", 40),
    ] {
        let text = format!("({beginning}{})", "aB3dE6gH9j".repeat(12).get(..letters).unwrap());
        assert!(!scrubbed(&text).contains("aB3dE6gH9j"), "{text}");
    }
    for text in [
        format!("dapi{}", "0a1b2c3d".repeat(4)),
        format!("dop_v1_{}", "0a1b2c3d".repeat(8)),
        format!("shpat_{}", "0a1b2c3d".repeat(4)),
        format!("SK{}", "0a1b2c3d".repeat(4)),
        format!("rubygems_{}", "0a1b2c3d".repeat(6)),
        format!("amzn.mws.{}", "0a1b2c3d-aaaa-bbbb-cccc-0a1b2c3d0a1b"),
        format!("AGE-SECRET-KEY-1{}", "QPZRY9X8".repeat(7)),
        format!("NRAK-{}", "ABCDEFGHI".repeat(3)),
        format!("PMAK-{}", "0a1b2c3d".repeat(7)),
        format!("SG.{0}.{0}", "aB3dE6gH9jaB3dE6gH9jxy"),
        format!("abcdefghij1234.atlasv1.{}", "aB3d".repeat(16)),
        format!("https://hooks.slack.com/services/T0/B0/{}", "aB3d".repeat(6)),
        format!("https://discord.com/api/webhooks/1/{}", "aB3d".repeat(16)),
    ] {
        assert_ne!(scrubbed(&text), text);
    }
}

/// What stands in a text that holds a secret, each with what must be gone.
fn written_secrets() -> Vec<(String, &'static str)> {
    const SECRET: &str = "Sup3rHush01Qx7Lw9";
    let named = |name: &str| format!(r#"{{"{name}":"{SECRET}"}}"#);
    let names = [
        "pass",
        "DB_PASS",
        "SMTP_PASS",
        "passwd",
        "pwd",
        "PGPASSWORD",
        "authToken",
        "auth_token",
        "apikey",
        "secret",
        "private_key",
        "passphrase",
        "credentials",
        "auth",
        "token",
        "api_secret",
        "ENCRYPTION_KEY",
        "cookie",
        "session",
        "pin",
        "db-password",
        "userPassword",
        "MYSQL_ROOT_PASSWORD",
        "webhook_secret",
        "access_key",
        "signing_key",
        "master_key",
        "bearer",
        "X-Secret-Token",
    ];
    let mut secrets: Vec<(String, &str)> = names.iter().map(|name| (named(name), SECRET)).collect();
    secrets.extend(names.iter().map(|name| (format!("{name}={SECRET}"), SECRET)));
    secrets.extend(names.iter().map(|name| (format!("<a><{name}>{SECRET}</{name}></a>"), SECRET)));
    secrets.extend(names.iter().map(|name| (format!("a=b&{name}={SECRET}"), SECRET)));
    secrets.extend(
        names
            .iter()
            .map(|name| (format!(r#"[{{"Key":"{name}","Value":"{SECRET}"}}]"#), SECRET)),
    );
    secrets.extend(names.iter().map(|name| (format!(r#"{{"{name}":{{"S":"{SECRET}"}}}}"#), SECRET)));
    for text in [
        r#"{"pin":"4711"}"#,
        r#"{"pin":4711}"#,
        r#"{"card":{"pins":[4711, 815]}}"#,
        r#"[{"Key":"pin","Value":4711}]"#,
        r#"{"body":"{\"pin\": 4711}"}"#,
        r#"{"password":4711}"#,
        r#"{"password":-4711.5}"#,
        r#"{"auths":{"registry.example.com":{"auth":"dXNlcjpodW50ZXIy"}}}"#,
        "machine api.example.com login me password Sup3rHush01Qx7Lw9",
        "machine api.example.com\n  login me\n  password hunter\n",
        "default login me password hunter",
        "db.example.com:5432:orders:app:hunter2",
        "# a comment\n*:*:*:app:hunter2\n",
        "curl -u admin:hunter2 https://example.com/",
        "curl -s --user 'admin:hunter2' https://example.com/",
        "run --password hunter2 --verbose",
        r#"["run", "--db-password", "hunter2"]"#,
        r#"{"command":["curl", "-u", "admin:hunter2", "https://a"]}"#,
        r#"{"command":["mysql", "-uroot", "-phunter2"]}"#,
        "run --token Sup3rHush01Qx7Lw9",
        "run --api-key=Sup3rHush01Qx7Lw9",
        "mysql -u root -phunter2 orders",
        "sshpass -p hunter2 ssh host",
        "docker login -u me -p hunter2 registry.example.com",
        "redis-cli -h cache -a hunter2 ping",
        r#"os.environ["API_KEY"] = "Sup3rHush01Qx7Lw9""#,
        r#"process.env['DB_PASS'] = 'Sup3rHush01Qx7Lw9';"#,
        r#"os.Setenv("API_KEY", "Sup3rHush01Qx7Lw9")"#,
        r#"environ.setdefault("DB_PASS", "Sup3rHush01Qx7Lw9")"#,
        "password: |\n  hunter2\nport: 5432\n",
        "db:\n  password: >-\n    hunter2\n  port: 5432\n",
        "Parameters:\n  DbPassword:\n    Type: String\n    Default: hunter2\n",
        "Parameters:\n  User:\n    Type: String\n    NoEcho: true\n    Default: hunter2\n",
        r#"{"Parameters":{"DbPassword":{"Type":"String","Default":"hunter2"}}}"#,
        r#"{"Parameters":{"User":{"Type":"String","NoEcho":true,"Default":"hunter2"}}}"#,
        "Parameters:\n  User:\n    NoEcho: \"True\" # shown to nobody\n    Type: String\n    Default: hunter2\n",
        r#"{"Parameters":{"User":{"Default":"hunter2","NoEcho":"true"}}}"#,
        "export SMTP_PASS='hunter2'",
        "session: Sup3rHush01Qx7Lw9",
    ] {
        let secret = ["Sup3rHush01Qx7Lw9", "dXNlcjpodW50ZXIy", "4711", "hunter"]
            .into_iter()
            .find(|secret| text.contains(secret));
        secrets.push((text.to_owned(), secret.unwrap()));
    }
    let inner = "password=hunter2 and more of it";
    let hexadecimal: String = inner.bytes().map(|byte| format!("{byte:02x}")).collect();
    secrets.push((format!("data {hexadecimal}"), "70617373776f72643d68756e74657232"));
    let zlib = STANDARD.encode(crate::codec::content::zlib(inner.repeat(3).as_bytes()));
    secrets.push((format!("{{\"data\":\"{zlib}\"}}"), "eJ"));
    secrets
}

#[test]
fn secrets_are_found_as_files_and_programs_write_them() {
    let other = StandIns::new("another salt");
    let mut wrong = Vec::new();
    for (text, secret) in written_secrets() {
        let clean = scrubbed(&text);
        // What is compressed is not read here; that it changed must do.
        let is_gone = clean != text && (!clean.contains(secret) || secret == "eJ");
        let again = Search::new(&other, &Budget::default()).scrub(&clean);
        if !is_gone || again.is_some() {
            wrong.push(format!("{text} became {clean}, then {again:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_stands_beside_a_secret_stays() {
    let mut wrong = Vec::new();
    for (text, stays) in [
        ("db:\n  password: |\n    hunter2\n  port: 5432\n", "\n  port: 5432\n"),
        (
            "machine api.example.com login me password hunter2",
            "machine api.example.com login me password ",
        ),
        (
            "Parameters:\n  DbPassword:\n    Type: String\n    Default: hunter2\n",
            "    Type: String\n    Default: ",
        ),
        ("curl -u admin:hunter2 https://example.com/", "curl -u admin:"),
        (r#"["run", "--db-password", "hunter2", "x"]"#, r#"", "x"]"#),
        (
            "key: |\n  -----BEGIN PRIVATE KEY-----\n  bm8ga2V5\n  -----END PRIVATE KEY-----\nb: c\n",
            "\n  -----END PRIVATE KEY-----\nb: c\n",
        ),
    ] {
        if !scrubbed(text).contains(stays) || scrubbed(text) == text {
            wrong.push(scrubbed(text));
        }
    }
    assert!(
        wrong.is_empty(),
        "{}",
        wrong.join(
            "
"
        )
    );
}

#[test]
fn ordinary_values_stay_beside_any_name() {
    let mut wrong = Vec::new();
    let mut stays = |text: &str| {
        if scrubbed(text) != text {
            wrong.push(format!("{text} became {}", scrubbed(text)));
        }
    };
    let values = [
        "enabled",
        "read-write",
        "AWS_IAM",
        "us-east-1",
        "12345678901",
        "1.5",
        "true",
        "sha256",
        "arn:aws:iam::123456789012:role/x",
        "6f7d2a0e-0b8a-4f4e-9d0c-0d3f1d2b9a11",
        "eni-0a1b2c3d4e5f67890",
        "vpc-12345678",
        "https://example.com/path",
        "db.example.com",
        "user@example.com",
        "/run/secrets/db",
        "${DB_PASS}",
        "{{resolve:secretsmanager:x}}",
        "<your token>",
        "2020-01-31T00:00:00Z",
    ];
    for value in values {
        for name in ["token", "session", "auth", "SMTP_PASS", "access_key", "credentials"] {
            for text in [
                rewrite_of(name, value),
                format!("{name}: {value}"),
                format!(r#"[{{"Key":"{name}","Value":"{value}"}}]"#),
                format!("<a><{name}>{value}</{name}></a>"),
            ] {
                // Markup is no value.
                if !(text.contains("<your") && text.starts_with("<a>")) {
                    stays(&text);
                }
            }
        }
    }
    for text in [
        r#"{"NextToken":"Sup3rHush01Qx7Lw9"}"#,
        r#"{"nextPageToken":"Sup3rHush01Qx7Lw9"}"#,
        r#"{"clientToken":"Sup3rHush01Qx7Lw9"}"#,
        r#"{"TaskToken":"Sup3rHush01Qx7Lw9"}"#,
        r#"{"compass":"Sup3rHush01Qx7Lw9"}"#,
        r#"{"PartitionKey":"Sup3rHush01Qx7Lw9"}"#,
        r#"{"sessionName":"botocore-session-1700000000"}"#,
        r#"{"pin":"on"}"#,
        r#"{"shipping":"4711"}"#,
        r#"{"shipping":4711,"pin":13,"pins":4711,"passwords":3,"token":4711,"maxTokens":4096}"#,
        r#"{"password":true,"secret":null,"pin":false}"#,
        r#"{"Parameters":{"User":{"Type":"String","NoEcho":false,"Default":"admin4711"}}}"#,
        r#"{"Parameters":{"User":{"Type":"String","NoEcho":"false","Default":"admin4711"}}}"#,
        "Parameters:\n  User:\n    Type: String\n    NoEcho: false\n    Default: admin4711\n",
        "Parameters:\n  User:\n    NoEcho: 'no'\n    Type: String\n    Default: admin4711\n",
        r#"["docker", "run", "-u", "1000:1000", "--password-stdin", "x4711"]"#,
        r#"{"Parameters":{"Size":{"Type":"String","Default":"t3.micro"}}}"#,
        "Parameters:\n  Size:\n    Type: String\n    Default: t3.micro\n",
        "description: |\n  the password is asked for\nport: 5432\n",
        "use --password to give one",
        "curl https://example.com/ -o x",
        "at 12:30:45 host:8080:x",
        "src/main.rs:5432:34: error: no such thing",
        "a token: the word",
        "the session ended, and auth: basic",
        "0123456789abcdef0123456789abcdef",
        "x^2 + y^2 = z^2",
    ] {
        stays(text);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn rewrite_of(name: &str, value: &str) -> String {
    format!("{{{}:{}}}", crate::json::rewrite::string(name), crate::json::rewrite::string(value))
}
