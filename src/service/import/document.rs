//! The documents of a MongoDB export: extended JSON, canonical or relaxed, of which an entry is made.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::de::DeserializeOwned;
use serde_json::{Map, Number, Value};
use uuid::Uuid;

use crate::clock::date;
use crate::json_problem::of_schema;
use crate::service::bootstrap::seed_file::{Entry, List};

/// A field of a document that has no place here, like `profile.avatar`, and in how many documents it is.
pub type LeftOut = BTreeMap<String, u64>;

/// The fields of a sign-in's failures, which are counted anew here.
const SIGN_IN_FIELDS: [&str; 2] = ["failedLoginAttempts", "lastFailedLogin"];

/// The entry that a document of a list is. Fields that have no place here are left out, and counted.
///
/// # Errors
///
/// Which field is not as it must be.
pub fn entry(list: List, document: Value, left_out: &mut LeftOut) -> Result<Entry, String> {
    let Value::Object(mut fields) = plain(document) else {
        return Err("it is not a JSON object".to_owned());
    };
    // A tenant is known by its name. What else has no id of its own would be there twice after the next import.
    if list != List::Tenant && !fields.contains_key("_id") {
        return Err("_id: it is missing".to_owned());
    }
    prune(list.name(), &mut fields, known_fields(list), left_out);
    Ok(match list {
        List::AccessToken => {
            let path = "accesstoken.tenantPermissions";
            each_object(&mut fields, "tenantPermissions", |permission| {
                prune(path, permission, &["tenant", "allowedActions"], left_out);
                permission.entry("tenant").or_insert_with(|| "*".into());
                permission
                    .entry("allowedActions")
                    .or_insert_with(|| Value::Array(Vec::new()));
            });
            Entry::AccessToken(typed(fields)?)
        }
        List::Tenant => {
            let path = "tenant.attributeDefinitions";
            each_object(&mut fields, "attributeDefinitions", |definition| {
                let known = ["permissions", "name", "metadata", "defaultValue"];
                prune(path, definition, &known, left_out);
                each_object(definition, "permissions", |permission| {
                    let path = "tenant.attributeDefinitions.permissions";
                    prune(
                        path,
                        permission,
                        &["application", "allowedActions"],
                        left_out,
                    );
                    permission
                        .entry("application")
                        .or_insert_with(|| "*".into());
                    permission
                        .entry("allowedActions")
                        .or_insert_with(|| Value::Array(Vec::new()));
                });
            });
            Entry::Tenant(typed(fields)?)
        }
        List::Profile => {
            date_profile(&mut fields);
            Entry::Profile(typed(fields)?)
        }
        List::PersistentLogin if !fields.contains_key("timestamp") => {
            return Err("timestamp: it is missing".to_owned());
        }
        List::PersistentLogin => Entry::PersistentLogin(typed(fields)?),
        List::Ticket => Entry::Ticket(typed(fields)?),
        List::VerificationToken => Entry::VerificationToken(typed(fields)?),
    })
}

/// Gives a profile without dates the one that is in its id, so that it is the same at the next import.
fn date_profile(fields: &mut Map<String, Value>) {
    let id = fields.get("_id").and_then(Value::as_str);
    let seconds = id.and_then(|id| i64::from_str_radix(id.get(..8)?, 16).ok());
    let created = seconds.map_or(0, |seconds| seconds * 1_000);
    let created = fields
        .entry("createdOn")
        .or_insert_with(|| created.into())
        .clone();
    fields.entry("lastModified").or_insert(created);
}

const fn known_fields(list: List) -> &'static [&'static str] {
    match list {
        List::AccessToken => &[
            "_id",
            "application",
            "master",
            "tenantPermissions",
            "expiresOn",
        ],
        List::Tenant => &[
            "_id",
            "name",
            "verifyNewProfiles",
            "availableRoles",
            "ssoEnabled",
            "attributeDefinitions",
            "cleanseAttributes",
        ],
        List::Profile => &[
            "_id",
            "username",
            "password",
            "email",
            "verified",
            "enabled",
            "createdOn",
            "lastModified",
            "tenant",
            "roles",
            "attributes",
        ],
        List::PersistentLogin => &["_id", "tenant", "profileId", "token", "timestamp"],
        List::Ticket => &["_id", "tenant", "profileId", "lastRequestTime"],
        List::VerificationToken => &["_id", "tenant", "profileId", "timestamp"],
    }
}

/// Removes fields that are null, and those that are not known.
fn prune(path: &str, fields: &mut Map<String, Value>, known: &[&str], left_out: &mut LeftOut) {
    fields.retain(|name, value| {
        if known.contains(&name.as_str()) {
            return !value.is_null();
        }
        if !SIGN_IN_FIELDS.contains(&name.as_str()) {
            *left_out.entry(format!("{path}.{name}")).or_default() += 1;
        }
        false
    });
}

fn each_object(
    fields: &mut Map<String, Value>,
    name: &str,
    mut each: impl FnMut(&mut Map<String, Value>),
) {
    let list = fields.get_mut(name).and_then(Value::as_array_mut);
    for object in list.into_iter().flatten().filter_map(Value::as_object_mut) {
        each(object);
    }
}

fn typed<E: DeserializeOwned>(fields: Map<String, Value>) -> Result<E, String> {
    serde_path_to_error::deserialize(Value::Object(fields)).map_err(|error| {
        let path = error.path().to_string();
        let problem = of_schema(&error.into_inner().to_string());
        match path.as_str() {
            "." | "?" => problem,
            path => format!("{path}: {problem}"),
        }
    })
}

/// The value without the types of extended JSON: ids, UUIDs and decimals are text, dates are epoch milliseconds.
fn plain(value: Value) -> Value {
    match value {
        Value::Object(fields) => match sole(&fields) {
            Some((name, inner)) => match typed_value(name, inner) {
                Some(plain) => plain,
                None => object(fields),
            },
            None => object(fields),
        },
        Value::Array(items) => Value::Array(items.into_iter().map(plain).collect()),
        other => other,
    }
}

fn object(fields: Map<String, Value>) -> Value {
    let fields = fields.into_iter();
    Value::Object(fields.map(|(name, value)| (name, plain(value))).collect())
}

fn sole(fields: &Map<String, Value>) -> Option<(&str, &Value)> {
    let (name, value) = fields.iter().next()?;
    (fields.len() == 1 && name.starts_with('$')).then_some((name, value))
}

/// The plain value of `{name: inner}`, if that is a type of extended JSON.
fn typed_value(name: &str, inner: &Value) -> Option<Value> {
    let whole = |text: &str| text.parse::<i64>().ok().map(Value::from);
    match (name, inner) {
        ("$oid" | "$uuid" | "$symbol" | "$numberDecimal", Value::String(_)) => Some(inner.clone()),
        ("$numberInt" | "$numberLong", Value::String(text)) => whole(text),
        ("$numberDouble", Value::String(text)) => {
            let number = text.parse().ok().and_then(Number::from_f64);
            Some(number.map_or_else(|| inner.clone(), Value::Number))
        }
        ("$date", Value::String(text)) => Some(date::parse(text)?.as_millis().into()),
        ("$date", Value::Number(number)) => number.as_i64().map(Value::from),
        ("$date", Value::Object(fields)) => match sole(fields)? {
            ("$numberLong", Value::String(text)) => whole(text),
            _ => None,
        },
        ("$binary", Value::Object(fields)) => {
            let is_uuid = ["03", "04"].contains(&fields.get("subType")?.as_str()?);
            let bytes = STANDARD.decode(fields.get("base64")?.as_str()?).ok()?;
            let uuid = Uuid::from_slice(&bytes).ok().filter(|_| is_uuid)?;
            Some(uuid.to_string().into())
        }
        ("$undefined", _) => Some(Value::Null),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn extended_json_of_both_kinds_becomes_the_same() {
        let relaxed = json!({
            "a": {"$oid": "5925a68def86951f895cf497"},
            "b": {"$date": "2017-05-24T22:35:32.589Z"},
            "c": [7, -1.5, 9_007_199_254_740_993_i64],
            "d": {"e": null},
        });
        let canonical = json!({
            "a": {"$oid": "5925a68def86951f895cf497"},
            "b": {"$date": {"$numberLong": "1495665332589"}},
            "c": [{"$numberInt": "7"}, {"$numberDouble": "-1.5"}, {"$numberLong": "9007199254740993"}],
            "d": {"e": null},
        });
        let expected = json!({
            "a": "5925a68def86951f895cf497",
            "b": 1_495_665_332_589_i64,
            "c": [7, -1.5, 9_007_199_254_740_993_i64],
            "d": {"e": null},
        });
        assert_eq!(plain(relaxed), expected);
        assert_eq!(plain(canonical), expected);
        let uuid = json!({"$binary": {"base64": "towAE9eyQASEY9e6A+FdlA==", "subType": "04"}});
        assert_eq!(plain(uuid), json!("b68c0013-d7b2-4004-8463-d7ba03e15d94"));
        let other = json!({"$regularExpression": {"pattern": "a", "options": ""}});
        assert_eq!(plain(other.clone()), other);
    }

    #[test]
    fn what_has_no_place_is_left_out_and_counted() {
        let mut left_out = LeftOut::new();
        let document = json!({
            "_id": {"$oid": "5925a68def86951f895cf400"},
            "name": "default",
            "availableRoles": null,
            "_class": "x",
            "attributeDefinitions": [{"name": "a", "permissions": [{"allowedActions": null}], "order": 1}],
        });
        let Ok(Entry::Tenant(tenant)) = entry(List::Tenant, document, &mut left_out) else {
            panic!("it is a tenant");
        };
        let permission = &tenant.attribute_definitions[0].permissions[0];
        assert_eq!(
            (&*permission.application, permission.allowed_actions.len()),
            ("*", 0)
        );
        let expected = [
            ("tenant._class", 1),
            ("tenant.attributeDefinitions.order", 1),
        ];
        let expected = expected.map(|(name, count)| (name.to_owned(), count));
        assert_eq!(left_out, BTreeMap::from(expected));
    }

    #[test]
    fn a_profile_without_dates_has_that_of_its_id() {
        let document = json!({"_id": "5925a68def86951f895cf497", "username": "a", "enabled": true, "tenant": "b"});
        let Ok(Entry::Profile(profile)) = entry(List::Profile, document, &mut LeftOut::new())
        else {
            panic!("it is a profile");
        };
        let dates =
            [profile.created_on, profile.last_modified].map(|date| date.expect("it has one").0);
        assert_eq!(dates.map(|date| date.as_millis()), [1_495_639_693_000; 2]);
    }

    #[test]
    fn what_is_not_of_the_schema_is_refused_without_its_value() {
        for (list, document, expected) in [
            (List::Profile, json!([]), "it is not a JSON object"),
            (
                List::Profile,
                json!({"username": "a"}),
                "_id: it is missing",
            ),
            (
                List::Profile,
                json!({"_id": "a", "username": 7, "enabled": true, "tenant": "b"}),
                "username: it must be text, and is a number",
            ),
            (
                List::PersistentLogin,
                json!({"_id": "a", "tenant": "b", "profileId": "c", "timestamp": 1}),
                "the field `token` is missing",
            ),
            (
                List::PersistentLogin,
                json!({"_id": "a", "tenant": "b", "profileId": "c", "token": "d"}),
                "timestamp: it is missing",
            ),
        ] {
            let refused = entry(list, document, &mut LeftOut::new()).expect_err(expected);
            assert_eq!(refused, expected);
        }
    }
}
