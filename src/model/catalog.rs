//! The services known to a run: the built-in ones and those the user names.

use super::compile::{ModelError, load};
use super::schema::Service;
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

/// The first-class operations' services, embedded in the binary.
const BUILT_IN: [&str; 2] = [include_str!("builtin/proton.json"), include_str!("builtin/service-catalog.json")];

/// Services, found by what a request says of itself.
#[derive(Debug, Default)]
pub struct Catalog {
    services: Vec<Arc<Service>>,
    by_name: HashMap<String, usize>,
}

impl Catalog {
    /// The built-in services alone.
    ///
    /// # Errors
    /// Only where the binary itself is broken; the tests load it.
    pub fn built_in() -> Result<Catalog, ModelError> {
        let mut catalog = Catalog::default();
        for model in BUILT_IN {
            load(model.as_bytes(), "built-in")?
                .into_iter()
                .for_each(|service| catalog.add(service));
        }
        Ok(catalog)
    }

    /// The built-in services and those of the named model files.
    ///
    /// # Errors
    /// Where a file cannot be read or is not a model; the message names it.
    pub fn with_models(paths: &[impl AsRef<Path>]) -> Result<Catalog, ModelError> {
        let mut catalog = Catalog::built_in()?;
        for path in paths {
            let shown = path.as_ref().display().to_string();
            let bytes = std::fs::read(path).map_err(|source| ModelError::Unreadable {
                path: shown.clone(),
                source,
            })?;
            load(&bytes, &shown)?.into_iter().for_each(|service| catalog.add(service));
        }
        Ok(catalog)
    }

    /// Adds a service, in place of one with the same shape id: a model file named by the user
    /// replaces the built-in one, and a later file an earlier one.
    pub fn add(&mut self, service: Service) {
        match self.services.iter().position(|known| known.shape_id == service.shape_id) {
            Some(index) => self.services[index] = Arc::new(service),
            None => {
                self.by_name.entry(service.name.clone()).or_insert(self.services.len());
                self.services.push(Arc::new(service));
            }
        }
    }

    /// All services, in the order they were added.
    pub fn services(&self) -> &[Arc<Service>] {
        &self.services
    }

    /// The service whose shape has this local name, as `X-Amz-Target` writes it.
    pub fn by_shape_name(&self, name: &str) -> Option<&Arc<Service>> {
        // Mostly there are two, and comparing is quicker than hashing.
        if self.services.len() <= 8 {
            return self.services.iter().find(|service| service.name == name);
        }
        self.by_name.get(name).map(|&index| &self.services[index])
    }

    /// The service that a person names: by sdkId, shape id, its local name, endpoint prefix or
    /// signing name, in this order, letter case and spaces ignored.
    pub fn find(&self, name: &str) -> Option<&Arc<Service>> {
        let wanted = folded(name);
        let names: [fn(&Service) -> &str; 5] = [
            |s| &s.sdk_id,
            |s| &s.shape_id,
            |s| &s.name,
            |s| &s.endpoint_prefix,
            |s| &s.signing_name,
        ];
        names
            .iter()
            .find_map(|of| self.services.iter().find(|service| folded(of(service)) == wanted))
    }
}

fn folded(name: &str) -> String {
    name.chars()
        .filter(|character| !matches!(character, ' ' | '-' | '_'))
        .flat_map(char::to_lowercase)
        .collect()
}
