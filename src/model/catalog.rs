//! The services known to a run: the built-in ones and those the user names, as files, which are
//! compiled at once, or as folders, of which a service is compiled when it is first asked for.

use super::compile::{ModelError, load, load_with_rules, parsed};
use super::listing::{Listing, folded};
use super::schema::Service;
use super::{folder, installed};
use crate::document;
use crate::terminal;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

/// The first-class operations' services, embedded in the binary.
const BUILT_IN: [&str; 2] = [include_str!("builtin/proton.json"), include_str!("builtin/service-catalog.json")];

/// Services, found by what a request says of itself. Asking costs a look into a map; the first time
/// that a service of a folder is found, its model is compiled, and whoever else asks for it waits.
#[derive(Debug, Default)]
pub struct Catalog {
    entries: Vec<Entry>,
    /// The entries that were compiled at start.
    services: Vec<Arc<Service>>,
    by_name: HashMap<String, Vec<usize>>,
    /// Any two services' shapes have the same local name.
    shares_names: bool,
    by_signing_name: HashMap<String, Vec<usize>>,
    by_endpoint_prefix: HashMap<String, Vec<usize>>,
    by_any_name: HashMap<String, usize>,
}

/// One service, compiled or not yet.
#[derive(Debug)]
pub struct Entry {
    listing: Listing,
    /// The sdkId, folded.
    identity: String,
    source: String,
    /// The file to compile when the service is first asked for.
    file: Option<PathBuf>,
    /// Nothing inside: the model could not be used, and that was told.
    service: OnceLock<Option<Arc<Service>>>,
}

impl Entry {
    /// A service that is there.
    fn compiled(service: Arc<Service>) -> Entry {
        let listing = service.listing();
        Entry {
            identity: folded(&listing.sdk_id),
            listing,
            source: service.source.clone(),
            file: None,
            service: OnceLock::from(Some(service)),
        }
    }

    /// A service of a folder.
    fn waiting(listing: Listing, file: PathBuf) -> Entry {
        Entry {
            identity: folded(&listing.sdk_id),
            listing,
            source: file.display().to_string(),
            file: Some(file),
            service: OnceLock::new(),
        }
    }

    /// The service's names.
    pub fn listing(&self) -> &Listing {
        &self.listing
    }

    /// Where the model comes from: a path, or `built-in`.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// What boto3 and the AWS CLI call the service: the folder that botocore keeps its versions in.
    fn client_name(&self) -> Option<&str> {
        let path = Path::new(&self.source);
        let is_botocore = path.file_name()?.to_str()?.starts_with("service-2.json");
        path.parent()?.parent()?.file_name()?.to_str().filter(|_| is_botocore)
    }

    /// The service, where it is compiled already.
    pub fn loaded(&self) -> Option<&Arc<Service>> {
        self.service.get().and_then(Option::as_ref)
    }

    /// The service, compiled now if it was not. A model that cannot be used is told on standard
    /// error, once, and is as good as absent from then on.
    pub fn service(&self) -> Option<&Arc<Service>> {
        self.service.get_or_init(|| self.compile()).as_ref()
    }

    fn compile(&self) -> Option<Arc<Service>> {
        let services = match load_file(self.file.as_deref()?) {
            Ok(services) => services,
            Err(error) => {
                terminal::say(&format!("{} stays unknown: {error}", self.listing.sdk_id));
                return None;
            }
        };
        let found = services.into_iter().find(|service| service.shape_id == self.listing.shape_id);
        if found.is_none() {
            terminal::say(&format!(
                "{} stays unknown: `{}` has changed since the start and defines no `{}` any more",
                self.listing.sdk_id, self.source, self.listing.shape_id
            ));
        }
        found.map(Arc::new)
    }
}

impl Catalog {
    /// The built-in services alone.
    ///
    /// # Errors
    /// Only where the binary itself is broken; the tests load it.
    pub fn built_in() -> Result<Catalog, ModelError> {
        Catalog::with_models(&[] as &[&Path])
    }

    /// The built-in services and those of the named models; folders are looked through anew.
    ///
    /// # Errors
    /// As [`Catalog::with_index`].
    pub fn with_models(sources: &[impl AsRef<Path>]) -> Result<Catalog, ModelError> {
        Catalog::with_index(sources, &mut || None)
    }

    /// The built-in services and those of the named models: model files, folders of models, or
    /// `botocore`, see [`installed::resolve`]. Of one service the model that is named last counts.
    /// `index` says where the index of a folder is kept; it is asked only if there is a folder.
    ///
    /// # Errors
    /// Where a file or folder cannot be read or holds no model; the message names it.
    pub fn with_index(sources: &[impl AsRef<Path>], index: &mut dyn FnMut() -> Option<PathBuf>) -> Result<Catalog, ModelError> {
        let mut catalog = Catalog::default();
        for model in BUILT_IN {
            catalog.put_all(load(model.as_bytes(), "built-in")?);
        }
        for source in sources {
            let source = installed::resolve(source.as_ref())?;
            if source.is_dir() {
                for (listing, file) in folder::list(&source, index().as_deref())? {
                    catalog.put(Entry::waiting(listing, file));
                }
            } else {
                catalog.put_all(load_file(&source)?);
            }
        }
        catalog.index();
        Ok(catalog)
    }

    /// Adds a service, in place of the same one.
    pub fn add(&mut self, service: Service) {
        self.put(Entry::compiled(Arc::new(service)));
        self.index();
    }

    fn put_all(&mut self, services: Vec<Service>) {
        services
            .into_iter()
            .for_each(|service| self.put(Entry::compiled(Arc::new(service))));
    }

    /// Two models are of one service where they share the shape id, or the sdkId, which AWS keeps
    /// unique: published once for Smithy and once for botocore, or in an older and a newer version.
    fn put(&mut self, entry: Entry) {
        let same = |known: &Entry| known.identity == entry.identity || known.listing.shape_id == entry.listing.shape_id;
        match self.entries.iter().position(same) {
            Some(index) => self.entries[index] = entry,
            None => self.entries.push(entry),
        }
    }

    /// Makes the maps anew.
    fn index(&mut self) {
        self.services = self.entries.iter().filter_map(Entry::loaded).cloned().collect();
        self.by_name = positions(&self.entries, Listing::name);
        self.shares_names = self.by_name.values().any(|found| found.len() > 1);
        self.by_signing_name = positions(&self.entries, |listing| &listing.signing_name);
        self.by_endpoint_prefix = positions(&self.entries, |listing| &listing.endpoint_prefix);
        self.by_any_name = any_names(&self.entries);
    }

    /// The services that were compiled at start, in the order they were named: the built-in ones and
    /// those of model files. Those of folders are in [`Catalog::entries`].
    pub fn services(&self) -> &[Arc<Service>] {
        &self.services
    }

    /// Every service, compiled or not, in the order they were named.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The services that are compiled by now.
    pub fn loaded(&self) -> impl Iterator<Item = &Arc<Service>> {
        self.entries.iter().filter_map(Entry::loaded)
    }

    /// The service whose shape has this local name, as `X-Amz-Target` writes it before the last dot.
    /// Where several services share one, as Timestream's two do, the first; see
    /// [`Catalog::all_by_shape_name`].
    pub fn by_shape_name(&self, name: &str) -> Option<&Arc<Service>> {
        // Mostly there are two, and comparing is quicker than hashing.
        if self.services.len() <= 8 && self.services.len() == self.entries.len() {
            let named = self.services.iter().find(|service| service.name == name);
            if named.is_some() {
                return named;
            }
        }
        self.at_shape_name(name).iter().find_map(|&index| self.entries[index].service())
    }

    /// Every service whose shape has this local name.
    pub fn all_by_shape_name(&self, name: &str) -> Vec<Arc<Service>> {
        self.all(self.at_shape_name(name))
    }

    /// Whether several services' shapes have this local name.
    pub fn is_shared(&self, name: &str) -> bool {
        self.shares_names && self.at_shape_name(name).len() > 1
    }

    /// CloudTrail's older clients write a package before the name; no name has a dot itself.
    fn at_shape_name(&self, name: &str) -> &[usize] {
        let local = || self.by_name.get(name.rsplit_once('.')?.1);
        self.by_name.get(name).or_else(local).map_or(&[], Vec::as_slice)
    }

    /// Every service that signs as this, in the order they were named: 35 names are shared.
    pub fn by_signing_name(&self, name: &str) -> Vec<Arc<Service>> {
        self.by_signing_name.get(name).map_or_else(Vec::new, |found| self.all(found))
    }

    /// Every service whose hosts begin with this.
    pub fn by_endpoint_prefix(&self, prefix: &str) -> Vec<Arc<Service>> {
        self.by_endpoint_prefix.get(prefix).map_or_else(Vec::new, |found| self.all(found))
    }

    fn all(&self, found: &[usize]) -> Vec<Arc<Service>> {
        found.iter().filter_map(|&index| self.entries[index].service().cloned()).collect()
    }

    /// The service that a person names: by sdkId, shape id, its local name, endpoint prefix or
    /// signing name, in this order, letter case and spaces ignored.
    pub fn find(&self, name: &str) -> Option<&Arc<Service>> {
        self.find_entry(name)?.service()
    }

    /// The same, without compiling it.
    pub fn find_entry(&self, name: &str) -> Option<&Entry> {
        self.by_any_name.get(&folded(name)).map(|&index| &self.entries[index])
    }
}

fn positions(entries: &[Entry], name: impl Fn(&Listing) -> &str) -> HashMap<String, Vec<usize>> {
    let mut found: HashMap<String, Vec<usize>> = HashMap::with_capacity(entries.len());
    for (index, entry) in entries.iter().enumerate() {
        found.entry(name(&entry.listing).to_owned()).or_default().push(index);
    }
    found
}

/// The better kind of name first, so that it stays where two services share one; of one kind the
/// latest version's, as boto3 takes it.
fn any_names(entries: &[Entry]) -> HashMap<String, usize> {
    let names: [fn(&Entry) -> Option<&str>; 6] = [
        |entry| Some(&entry.listing.sdk_id),
        |entry| Some(&entry.listing.shape_id),
        |entry| Some(entry.listing.name()),
        Entry::client_name,
        |entry| Some(&entry.listing.endpoint_prefix),
        |entry| Some(&entry.listing.signing_name),
    ];
    let mut latest_first: Vec<usize> = (0..entries.len()).collect();
    latest_first.sort_by(|left, right| entries[*right].listing.version.cmp(&entries[*left].listing.version));
    let mut found = HashMap::with_capacity(entries.len() * 5);
    for name in names {
        for &index in &latest_first {
            if let Some(name) = name(&entries[index]) {
                found.entry(folded(name)).or_insert(index);
            }
        }
    }
    found
}

/// Compiles the services of a file, with the endpoint rules and waiters that botocore keeps beside
/// its models.
fn load_file(path: &Path) -> Result<Vec<Service>, ModelError> {
    let bytes = read(path)?;
    let mut services = load_with_rules(&bytes, &path.display().to_string(), || beside(path, "endpoint-rule-set-1"))?;
    if let Some(waiters) = beside(path, "waiters-2")? {
        let waiters = waiters["waiters"].as_object();
        let waited: Vec<&str> = waiters
            .into_iter()
            .flatten()
            .filter_map(|(_, waiter)| waiter["operation"].as_str())
            .collect();
        for operation in services.iter_mut().flat_map(|service| &mut service.operations) {
            if waited.contains(&operation.name.as_str()) {
                operation.traits.insert("smithy.waiters#waitable".to_owned(), serde_json::json!({}));
            }
        }
    }
    Ok(services)
}

fn read(path: &Path) -> Result<Vec<u8>, ModelError> {
    document::read(path).map_err(|source| ModelError::Unreadable {
        path: path.display().to_string(),
        source,
    })
}

/// A file of that name beside a model, if there is one.
fn beside(model: &Path, name: &str) -> Result<Option<serde_json::Value>, ModelError> {
    let places = [format!("{name}.json"), format!("{name}.json.gz")].map(|name| model.with_file_name(name));
    let Some(path) = places.into_iter().find(|place| place.is_file()) else {
        return Ok(None);
    };
    parsed(&read(&path)?, &path.display().to_string()).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model(namespace: &str, name: &str, sdk_id: &str, prefix: &str) -> String {
        format!(
            r#"{{"smithy": "2.0", "shapes": {{"{namespace}#{name}": {{"type": "service", "version": "1", "traits": {{
                "aws.api#service": {{"sdkId": "{sdk_id}", "endpointPrefix": "{prefix}"}}, "aws.auth#sigv4": {{"name": "shared"}}}}}}}}}}"#
        )
    }

    fn added(models: &[String]) -> Catalog {
        let mut catalog = Catalog::built_in().unwrap();
        for model in models {
            load(model.as_bytes(), "test.json")
                .unwrap()
                .into_iter()
                .for_each(|service| catalog.add(service));
        }
        catalog
    }

    #[test]
    fn the_waiters_beside_a_model_say_which_operations_are_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let model = r#"{"version":"2.0","metadata":{"apiVersion":"2020-01-01","protocol":"json","jsonVersion":"1.1",
            "serviceId":"Things","endpointPrefix":"things","signatureVersion":"v4","targetPrefix":"Things"},
            "operations":{"DescribeThing":{"name":"DescribeThing"},"ListThings":{"name":"ListThings"}},"shapes":{}}"#;
        let path = folder.path().join("service-2.json");
        std::fs::write(&path, model).unwrap();
        let waitable = || -> Vec<String> {
            let services = load_file(&path).unwrap();
            let operations = services.iter().flat_map(|service| &service.operations);
            let waited = operations.filter(|operation| operation.traits.contains_key("smithy.waiters#waitable"));
            waited.map(|operation| operation.name.clone()).collect()
        };
        assert!(waitable().is_empty());
        let waiters = r#"{"version":2,"waiters":{"ThingMade":{"operation":"DescribeThing","delay":1,"maxAttempts":2,"acceptors":[]}}}"#;
        std::fs::write(folder.path().join("waiters-2.json"), waiters).unwrap();
        assert_eq!(waitable(), ["DescribeThing"]);
    }

    #[test]
    fn a_service_has_many_names() {
        let catalog = Catalog::built_in().unwrap();
        for name in [
            "Service Catalog",
            "service-catalog",
            "servicecatalog",
            "AWS242ServiceCatalogService",
            "com.amazonaws.servicecatalog#AWS242ServiceCatalogService",
        ] {
            assert_eq!(catalog.find(name).unwrap().sdk_id, "Service Catalog", "{name}");
        }
        assert!(catalog.find("nothing").is_none());
        assert_eq!(catalog.by_shape_name("AwsProton20200720").unwrap().sdk_id, "Proton");
        assert_eq!(
            catalog.by_shape_name("com.amazonaws.proton.AwsProton20200720").unwrap().sdk_id,
            "Proton"
        );
        assert!(catalog.by_shape_name("Proton").is_none());
    }

    #[test]
    fn a_service_of_botocore_is_called_as_boto3_calls_it_and_the_latest_version_is_meant() {
        let data = tempfile::tempdir().unwrap();
        for (version, id) in [
            ("2014-02-03", "Old Events"),
            ("2015-10-07", "Bridge"),
            ("2014-01-01", "Older Events"),
        ] {
            let folder = data.path().join("doings").join(version);
            std::fs::create_dir_all(&folder).unwrap();
            let model = format!(
                r#"{{"version":"2.0","metadata":{{"apiVersion":"{version}","protocol":"json","jsonVersion":"1.1","serviceId":"{id}",
                "endpointPrefix":"events","signatureVersion":"v4","targetPrefix":"AWSEvents"}},"operations":{{}},"shapes":{{}}}}"#
            );
            std::fs::write(folder.join("service-2.json"), model).unwrap();
        }
        let catalog = Catalog::with_models(&[data.path()]).unwrap();
        for (name, id) in [("doings", "Bridge"), ("events", "Bridge"), ("Old Events", "Old Events")] {
            assert_eq!(catalog.find(name).unwrap().sdk_id, id, "{name}");
        }
    }

    #[test]
    fn the_model_named_last_is_the_services() {
        let catalog = added(&[model("x", "Newer", "proton", "p"), model("a", "One", "One", "one")]);
        assert_eq!(catalog.find("Proton").unwrap().shape_id, "x#Newer");
        assert!(catalog.by_shape_name("AwsProton20200720").is_none());
        let names: Vec<&str> = catalog.services().iter().map(|service| service.sdk_id.as_str()).collect();
        assert_eq!(names, ["proton", "Service Catalog", "One"]);
    }

    #[test]
    fn services_that_share_a_name_are_all_found_by_it() {
        let catalog = added(&[model("a", "Shared", "One", "one"), model("b", "Shared", "Two", "one")]);
        let ids = |found: Vec<Arc<Service>>| found.iter().map(|service| service.sdk_id.clone()).collect::<Vec<_>>();
        assert_eq!(ids(catalog.by_signing_name("shared")), ["One", "Two"]);
        assert_eq!(ids(catalog.by_endpoint_prefix("one")), ["One", "Two"]);
        assert_eq!(ids(catalog.all_by_shape_name("Shared")), ["One", "Two"]);
        assert_eq!(catalog.by_shape_name("Shared").unwrap().sdk_id, "One");
        assert!(catalog.by_signing_name("nothing").is_empty() && catalog.by_endpoint_prefix("nothing").is_empty());
    }

    fn folder(content: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in content {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        folder
    }

    #[test]
    fn a_service_of_a_folder_is_compiled_when_it_is_first_asked_for_and_then_stays() {
        let folder = folder(&[
            ("one.json", &model("a", "One", "One", "one")),
            ("two.json", &model("a", "Two", "Two", "two")),
        ]);
        let catalog = Catalog::with_models(&[folder.path()]).unwrap();
        assert_eq!(
            (catalog.entries().len(), catalog.services().len(), catalog.loaded().count()),
            (4, 2, 2)
        );
        let service = catalog.by_shape_name("One").unwrap();
        assert!(service.source.ends_with("one.json"));
        assert!(Arc::ptr_eq(service, catalog.find("one").unwrap()));
        assert_eq!(catalog.loaded().count(), 3);
        assert_eq!(catalog.by_signing_name("shared").len(), 2);
        assert_eq!(catalog.loaded().count(), 4);
    }

    #[test]
    fn many_threads_that_ask_at_once_get_the_same_service() {
        let folder = folder(&[("one.json", &model("a", "One", "One", "one"))]);
        let catalog = Catalog::with_models(&[folder.path()]).unwrap();
        let found: Vec<Arc<Service>> = std::thread::scope(|scope| {
            let asked: Vec<_> = (0..8).map(|_| scope.spawn(|| catalog.find("one").unwrap().clone())).collect();
            asked.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(found.iter().all(|service| Arc::ptr_eq(service, &found[0])));
    }

    #[test]
    fn a_model_of_a_folder_that_cannot_be_used_is_as_good_as_absent() {
        let dangling = model("a", "One", "One", "one").replace(r#""version""#, r##""operations": [{"target": "a#Gone"}], "version""##);
        let folder = folder(&[("one.json", &dangling), ("two.json", &model("a", "Two", "Two", "two"))]);
        let catalog = Catalog::with_models(&[folder.path()]).unwrap();
        assert!(catalog.find("one").is_none() && catalog.by_shape_name("One").is_none());
        assert_eq!(catalog.by_signing_name("shared").len(), 1);
        std::fs::write(folder.path().join("two.json"), model("a", "Other", "Other", "o")).unwrap();
        let changed = Catalog::with_models(&[folder.path()]).unwrap();
        std::fs::write(folder.path().join("two.json"), model("a", "Two", "Two", "two")).unwrap();
        assert!(changed.find("other").is_none());
    }

    #[test]
    fn of_a_folder_and_a_file_the_one_named_last_counts() {
        let folder = folder(&[("proton.json", &model("x", "Newer", "Proton", "p"))]);
        let file = folder.path().join("proton.json");
        let other = tempfile::tempdir().unwrap();
        let named = other.path().join("named.json");
        std::fs::write(&named, model("y", "Newest", "Proton", "p")).unwrap();
        let shape = |sources: &[&Path]| Catalog::with_models(sources).unwrap().find("proton").unwrap().shape_id.clone();
        assert_eq!(shape(&[folder.path()]), "x#Newer");
        assert_eq!(shape(&[folder.path(), &named]), "y#Newest");
        assert_eq!(shape(&[&named, folder.path()]), "x#Newer");
        assert_eq!(shape(&[&named, &file]), "x#Newer");
    }
}
