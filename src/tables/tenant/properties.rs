//! The records of tenants on a bad disk.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::{Strategy, any};

use super::{VERSION, decode, encode};
use crate::domain::tenant::{AttributeDefinition, AttributePermission, Tenant, TenantName};
use crate::storage::codec::Encoder;
use crate::storage::codec::properties::{check, check_time, json, json_object, text, texts};
use crate::tables::properties::object_id;

fn name() -> TenantName {
    TenantName::new("default").expect("it is not empty")
}

fn definitions() -> impl Strategy<Value = AttributeDefinition> + Clone {
    let permissions =
        (text(), texts()).prop_map(|(application, allowed_actions)| AttributePermission {
            allowed_actions,
            application,
        });
    (
        vec(permissions, 0..3),
        text(),
        option::of(json_object()),
        option::of(json()),
    )
        .prop_map(
            |(permissions, name, metadata, default_value)| AttributeDefinition {
                permissions,
                name,
                metadata,
                default_value,
            },
        )
}

#[test]
fn tenants_are_what_they_were() {
    let flags = any::<[bool; 3]>();
    let tenants = (object_id(), flags, texts(), vec(definitions(), 0..3));
    let tenants = tenants.prop_map(
        |(id, flags, available_roles, attribute_definitions)| Tenant {
            id,
            name: name(),
            verify_new_profiles: flags[0],
            available_roles,
            sso_enabled: flags[1],
            attribute_definitions,
            cleanse_attributes: flags[2],
        },
    );
    check(tenants, encode, |record| decode(&name(), record));
}

#[test]
fn long_tenants_take_their_share_of_time() {
    let up_to_the_roles = Encoder::new(VERSION).bytes(&[3; 12]).bool(true);
    check_time(&up_to_the_roles.finish(), |record| decode(&name(), record));
    let no_roles: [&str; 0] = [];
    let up_to_the_definitions = Encoder::new(VERSION)
        .bytes(&[3; 12])
        .bool(true)
        .list(&no_roles, |record, role| record.text(role))
        .bool(true);
    check_time(&up_to_the_definitions.finish(), |record| {
        decode(&name(), record)
    });
}
