//! Layers of a PDF document that are not shown: other languages, remarks, drafts.
//!
//! Owns which parts of the content belong to them. Asked by `content`.

use std::collections::HashSet;

use hayro_syntax::object::{Array, Dict, Name, ObjectIdentifier};
use hayro_syntax::xref::XRef;

/// The layers that are switched off.
pub(super) struct Layers {
    hidden: HashSet<ObjectIdentifier>,
}

impl Layers {
    pub(super) fn new(xref: &XRef) -> Self {
        Self {
            hidden: hidden_layers(xref).unwrap_or_default(),
        }
    }

    /// Whether a dictionary's entry names a layer that is not shown.
    pub(super) fn hides(&self, dict: &Dict<'_>, key: &str) -> bool {
        if self.hidden.is_empty() {
            return false;
        }
        let direct = dict.get_ref(key.as_bytes()).map(ObjectIdentifier::from);
        if direct.is_some_and(|id| self.hidden.contains(&id)) {
            return true;
        }
        // Membership in one layer or several, of which one that is shown suffices.
        let Some(member) = dict.get::<Dict<'_>>(key.as_bytes()) else {
            return false;
        };
        let groups: Vec<ObjectIdentifier> = match member.get::<Array<'_>>("OCGs".as_bytes()) {
            Some(groups) => groups
                .raw_iter()
                .filter_map(|group| group.as_obj_ref())
                .map(ObjectIdentifier::from)
                .collect(),
            None => member
                .get_ref("OCGs".as_bytes())
                .map(ObjectIdentifier::from)
                .into_iter()
                .collect(),
        };
        !groups.is_empty() && groups.iter().all(|group| self.hidden.contains(group))
    }
}

/// Layers that are not shown when the document is opened.
fn hidden_layers(xref: &XRef) -> Option<HashSet<ObjectIdentifier>> {
    let catalog = xref.get::<Dict<'_>>(xref.root_id())?;
    let layers = catalog.get::<Dict<'_>>("OCProperties".as_bytes())?;
    let config = layers.get::<Dict<'_>>("D".as_bytes())?;
    let listed = |dict: &Dict<'_>, key: &str| -> Vec<ObjectIdentifier> {
        let list = dict.get::<Array<'_>>(key.as_bytes());
        let ids = list.iter().flat_map(Array::raw_iter);
        ids.filter_map(|item| item.as_obj_ref())
            .map(ObjectIdentifier::from)
            .collect()
    };
    let base = config.get::<Name<'_>>("BaseState".as_bytes());
    let mut hidden = HashSet::new();
    if base.is_some_and(|base| base.as_str() == "OFF") {
        hidden.extend(listed(&layers, "OCGs"));
        for shown in listed(&config, "ON") {
            hidden.remove(&shown);
        }
    }
    hidden.extend(listed(&config, "OFF"));
    Some(hidden)
}
