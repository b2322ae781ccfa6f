use super::*;

#[test]
fn every_name_ends_in_a_way_that_is_looked_at() {
    for name in SECRET_NAMES.iter().chain(&WHOLE_NAMES) {
        assert!(is_secret_name(name), "{name}");
    }
}

#[test]
fn names_tell_secrets_whatever_their_spelling() {
    for name in [
        "password",
        "DB_PASSWORD",
        "masterUserPassword",
        "secret_access_key",
        "x-api-key",
        "ClientSecret",
        "Passwords",
        "Authorization",
        "x-amz-security-token",
        "secret",
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
        "ConnectionAuthorization",
        "hasSecret",
        "s",
        "______",
    ] {
        assert!(!is_secret_name(name), "{name}");
    }
}

#[test]
fn some_names_say_it_only_beside_a_value_that_looks_like_one() {
    for name in [
        "pass",
        "DB_PASS",
        "SMTP_PASS",
        "dbPass",
        "pwd",
        "userPwd",
        "token",
        "Token",
        "X-Secret-Token",
        "bearer",
        "access_key",
        "accessKey",
        "AccessKey",
        "ACCESS_KEY",
        "ENCRYPTION_KEY",
        "credentials",
        "Credential",
        "auth",
        "HTTP_AUTH",
        "session",
        "app.token",
        "mySecret",
        "cookieSecret",
        "tokens",
        "sshKey",
        "licenseKey",
        "smtp-pass",
        "creds",
    ] {
        assert!(names_secret(name, "Sup3rHush01Qx7Lw9"), "{name}");
        assert!(!is_secret_name(name) && !names_secret(name, "enabled"), "{name}");
    }
    for name in [
        "compass",
        "bypass",
        "NextToken",
        "nextPageToken",
        "clientToken",
        "ClientRequestToken",
        "IDEMPOTENCY_TOKEN",
        "taskToken",
        "LockToken",
        "ContinuationToken",
        "author",
        "authType",
        "sessionName",
        "RoleSessionName",
        "tokenType",
        "keyId",
        "publicKey",
        "PartitionKey",
        "sort_key",
        "primaryKey",
        "shipping",
        "pins_count",
        "spin",
        "password_policy",
        "key",
        "s",
        "",
        "é",
        "accessKeyId",
    ] {
        assert!(!may_name_secret(name), "{name}");
    }
    assert!(names_secret("pin", "4711") && names_secret("cardPin", "123456") && !names_secret("session", "4711"));
}

#[test]
fn every_secret_name_is_one() {
    assert!(SECRET_NAMES.iter().chain(&WHOLE_NAMES).all(|name| is_secret_name(name)));
    let pattern = regex::Regex::new(&IN_TEXT).unwrap();
    assert!(SECRET_NAMES.iter().all(|name| pattern.is_match(&name.replace('-', "_"))));
}

#[test]
fn names_tell_accounts() {
    for name in [
        "accountId",
        "OwnerId",
        "Account",
        "AccountIds",
        "SourceAccount",
        "registryId",
        "AccountIdsToAdd",
        "AWSAccountId",
        "ChildId",
        "TargetId",
    ] {
        assert!(is_account_name(name), "{name}");
    }
    for name in ["count", "id", "OrderNumber", "é"] {
        assert!(!is_account_name(name), "{name}");
    }
}

#[test]
fn the_names_of_variables_are_told_from_secrets() {
    for key in ["STAGE", "DB_HOST", "_x1", "spring.datasource.url", "Retries-2", "AWS_S3_V4"] {
        assert!(is_variable(key), "{key}");
    }
    for key in [
        "",
        "1x",
        "a b",
        "a1b2c3d4e5f6",
        "ABC-123456",
        "pass:word",
        "c0bd820e8f721fa2cc8038727ffa8ef5",
    ] {
        assert!(!is_variable(key), "{key}");
    }
}

#[test]
fn the_members_of_a_pair_are_known() {
    assert!(is_name_of_pair("Key") && is_name_of_pair("name") && !is_name_of_pair("KeyId"));
    assert!(is_value_of_pair("StringValue") && is_value_of_pair("value") && !is_value_of_pair("valueFrom"));
}
