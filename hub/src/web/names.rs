//! People, units and rooms by name, as pages see them.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::campus::classroom::{Classroom, Unit};

/// A person by name.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PersonName {
    /// Id.
    pub id: Uuid,
    /// Name.
    pub name: String,
    /// 工号.
    pub staff_number: String,
}

/// A teaching unit by name.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct UnitName {
    /// Id.
    pub id: Uuid,
    /// Such as `信息工程学院`.
    pub name: String,
}

impl From<&Unit> for UnitName {
    fn from(unit: &Unit) -> Self {
        Self {
            id: unit.id.0,
            name: unit.name.clone(),
        }
    }
}

/// A room by name.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RoomName {
    /// Id.
    pub id: Uuid,
    /// Such as `博学楼101`.
    pub name: String,
}

impl From<&Classroom> for RoomName {
    fn from(room: &Classroom) -> Self {
        Self {
            id: room.id.0,
            name: room.name.clone(),
        }
    }
}
