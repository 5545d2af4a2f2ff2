//! How much a profile may hold.

use crate::app::App;
use crate::domain::attributes::Attributes;
use crate::service::profile::refusal::ProfileRequestRefusal;

/// The longest role, in bytes.
const ROLE_BYTES_MAX: usize = 256;

/// What a change of a profile may make of it. What is there already is left.
#[derive(Clone, Copy, Debug)]
pub(super) struct ProfileLimits {
    role_count_max: usize,
    attributes_size_max: usize,
}

impl ProfileLimits {
    /// Those of the settings.
    pub(super) fn of(app: &App) -> Self {
        let config = &app.config.profiles;
        Self {
            role_count_max: config.role_count_max.get(),
            attributes_size_max: config.attributes_size_max,
        }
    }

    /// Refuses too many roles and too long ones.
    pub(super) fn check_roles(&self, roles: &[String]) -> Result<(), ProfileRequestRefusal> {
        let max = self.role_count_max;
        if roles.len() > max {
            return Err(ProfileRequestRefusal::TooManyRoles { max });
        }
        if roles.iter().any(|role| role.len() > ROLE_BYTES_MAX) {
            let max = ROLE_BYTES_MAX;
            return Err(ProfileRequestRefusal::RoleTooLong { max });
        }
        Ok(())
    }

    /// Refuses attributes that are too large together, their names counted too.
    pub(super) fn check_attributes(
        &self,
        attributes: Option<&Attributes>,
    ) -> Result<(), ProfileRequestRefusal> {
        let max = self.attributes_size_max;
        if attributes.is_some_and(|attributes| attributes.size() > max) {
            return Err(ProfileRequestRefusal::AttributesTooLarge { max });
        }
        Ok(())
    }
}
