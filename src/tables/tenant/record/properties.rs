//! The records of tenants on a bad disk.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::{Strategy, any};

use super::{StoredTenant, VERSION, decode, encode};
use crate::domain::attributes::Attributes;
use crate::domain::sweep::{Sweep, Sweeps};
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

fn sweeps() -> impl Strategy<Value = Sweeps> + Clone {
    let sweeps = (texts(), texts(), json_object()).prop_map(|(roles, names, defaults)| Sweep {
        removed_roles: roles,
        removed_attributes: names,
        defaults: Attributes::from(&defaults),
    });
    (any::<u32>(), vec(sweeps, 0..3)).prop_map(|(before, sweeps)| {
        let numbers = u64::from(before) + 1..;
        let pending: Vec<_> = numbers.zip(sweeps).collect();
        let revision = pending.last().map_or(before.into(), |(last, _)| *last);
        Sweeps { revision, pending }
    })
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
    let stored =
        (tenants, any::<u64>(), sweeps()).prop_map(|(tenant, order, sweeps)| StoredTenant {
            tenant: tenant.into(),
            order,
            sweeps,
        });
    let encode = |stored: &StoredTenant| encode(&stored.tenant, stored.order, &stored.sweeps);
    check(stored, encode, |record| decode(&name(), record));
}

#[test]
fn long_tenants_take_their_share_of_time() {
    let no_texts: [&str; 0] = [];
    let up_to_the_roles = Encoder::new(VERSION).bytes(&[3; 12]).varint(1).bool(true);
    check_time(&up_to_the_roles.finish(), |record| decode(&name(), record));
    let up_to_the_definitions = || {
        Encoder::new(VERSION)
            .bytes(&[3; 12])
            .varint(1)
            .bool(true)
            .list(&no_texts, |record, role| record.text(role))
            .bool(true)
    };
    check_time(&up_to_the_definitions().finish(), |record| {
        decode(&name(), record)
    });
    let up_to_the_sweeps = up_to_the_definitions()
        .list(&no_texts, |record, text| record.text(text))
        .bool(true)
        .varint(7);
    check_time(&up_to_the_sweeps.finish(), |record| decode(&name(), record));
}
