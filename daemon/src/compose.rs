//! The composition root: settings and paths in, a working retriever out.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result};
use tokio_util::sync::CancellationToken;
use vade_config::{ModelSettings, Paths, Settings};
use vade_indexer::{Index, IndexOptions, Ocr, OcrSource};
use vade_models::ModelsError;
use vade_models::catalog::{Catalog, EmbeddingEngine, EmbeddingSpec, Model, Role};
use vade_models::embedding::{Embedder, EmbedderHandle, EngineModel, OnnxEmbedder, Runtime};
use vade_models::language::{LanguageModelHandle, Loader, LocalModel, Options};
use vade_models::store::Store;
use vade_retriever::{Embedding, Retriever};
use vade_web::Services;

use crate::cli::Common;
use crate::progress;
use crate::seal;

/// Embedding threads where the settings leave the number open, at most.
const EMBEDDING_THREADS: usize = 4;

/// Jobs that have to wait before another session is loaded to help: on our engine sessions share their weights.
const HELP_OF_OURS: usize = 2;
const HELP_OF_ONNX: usize = 16;

/// What every command starts from.
pub(crate) struct Setup {
    pub paths: Paths,
    pub settings: Settings,
    pub catalog: Arc<Catalog>,
    pub store: Store,
    pub json: bool,
}

/// One runtime serves all sessions of all embedding models, as a process can have only one; it is loaded with
/// the first of them.
static RUNTIME: Mutex<Option<Runtime>> = Mutex::new(None);

impl Setup {
    pub(crate) fn new(common: &Common) -> Result<Self> {
        let paths = Paths::resolve(common.data_dir.as_deref(), common.model_dir.as_deref())?;
        let settings = Settings::load(common.config.as_deref(), &paths.settings)?;
        let own = paths.settings.with_file_name("catalog.toml");
        let catalog = Catalog::load(own.exists().then_some(own.as_path()))?;
        Ok(Self {
            store: Store::new(paths.models.clone()),
            catalog: Arc::new(catalog),
            paths,
            settings,
            json: common.json,
        })
    }

    /// The embedding model in use.
    pub(crate) fn embedding(&self) -> Result<&Model> {
        Ok(self
            .catalog
            .get_as(&self.settings.model.embedding, Role::Embedding)?)
    }

    /// The language model in use; `auto` chooses by memory and cores.
    pub(crate) fn language(&self) -> Result<&Model> {
        let id = &self.settings.model.language;
        if id != "auto" {
            return Ok(self.catalog.get_as(id, Role::LanguageModel)?);
        }
        let present = |id: &str| {
            let model = self.catalog.get(id);
            model.is_ok_and(|model| self.store.is_present(model))
        };
        self.catalog
            .pick_language_model(memory_mib(), cores(), &present)
            .context(
                "no language model of the catalog fits this machine: name one in model.language",
            )
    }

    /// The models that have to be here: embedding, language model, and the runtime where one of those in use
    /// needs it.
    pub(crate) fn needed(&self) -> Result<Vec<&Model>> {
        let mut models = self.needed_to_search()?;
        models.push(self.language()?);
        Ok(models)
    }

    /// Those of them without which nothing can be indexed or found.
    fn needed_to_search(&self) -> Result<Vec<&Model>> {
        let embedding = self.embedding()?;
        let engine = embedding.embedding.as_ref().map(|spec| spec.engine);
        let runtime = if engine == Some(EmbeddingEngine::Onnx) {
            Some(self.catalog.runtime()?)
        } else if self.reads_images_with_runtime() {
            // Without one, images are read as if the networks were not here.
            self.catalog.runtime().ok()
        } else {
            None
        };
        Ok(runtime.into_iter().chain([embedding]).collect())
    }

    /// Whether networks that read images are here and chosen.
    fn reads_images_with_runtime(&self) -> bool {
        let setting = self.settings.model.ocr.as_str();
        let is_chosen = |model: &Model| setting == "auto" || setting == model.id;
        self.catalog.iter().any(|model| {
            model.role == Role::Ocr && is_chosen(model) && self.store.is_present(model)
        })
    }

    /// Fetches the models in use that are not here, with progress.
    pub(crate) fn fetch_needed(&self) -> Result<()> {
        for model in self.needed()? {
            self.fetch(model)?;
        }
        Ok(())
    }

    /// The same, without the language model.
    pub(crate) fn fetch_needed_to_search(&self) -> Result<()> {
        for model in self.needed_to_search()? {
            self.fetch(model)?;
        }
        Ok(())
    }

    /// Fetches one model, with progress.
    pub(crate) fn fetch(&self, model: &Model) -> Result<()> {
        if self.store.is_present(model) {
            return Ok(());
        }
        let mut bars = progress::Download::new(&model.id);
        let stop = AtomicBool::new(false);
        self.store
            .pull(model, &mut |event| bars.show(event), &stop)?;
        Ok(())
    }

    /// The embedding threads; those that own a session load it at their first text.
    pub(crate) fn embedder(&self) -> Result<EmbedderHandle> {
        self.embedder_of(self.embedding()?)
    }

    fn embedder_of(&self, model: &Model) -> Result<EmbedderHandle> {
        let spec = model
            .embedding
            .clone()
            .with_context(|| format!("{} is listed, but nothing runs it yet", model.id))?;
        let threads = match self.settings.index.threads {
            0 => cores().min(EMBEDDING_THREADS),
            threads => threads,
        };
        let (id, dimensions) = (model.id.clone(), spec.dimensions);
        let (help_from, load) = match spec.engine {
            EmbeddingEngine::Ours => (
                HELP_OF_OURS,
                on_our_engine(self.store.clone(), model.clone(), spec),
            ),
            EmbeddingEngine::Onnx => {
                let library = self.catalog.runtime()?.clone();
                let load = on_onnx_runtime(self.store.clone(), library, model.clone(), spec);
                (HELP_OF_ONNX, load)
            }
        };
        let handle = EmbedderHandle::start(
            &id,
            dimensions,
            threads,
            help_from,
            self.settings.model.idle_unload.duration(),
            load,
        )?;
        Ok(handle)
    }

    /// The language model's thread; it loads weights at the first question.
    pub(crate) fn language_model(&self) -> Result<LanguageModelHandle> {
        let default = self.language()?.id.clone();
        let (catalog, store) = (Arc::clone(&self.catalog), self.store.clone());
        let settings = self.settings.model.clone();
        let loader: Loader = Box::new(move |id| {
            let model = catalog.get_as(id, Role::LanguageModel)?;
            check_memory(model)?;
            let paths = store.locate(model)?;
            let path = paths.ending(".gguf")?;
            let options = language_options(&settings, None);
            Ok(Box::new(LocalModel::load(id, path, &options)?))
        });
        let idle = self.settings.model.idle_unload.duration();
        Ok(LanguageModelHandle::start(&default, idle, loader)?)
    }

    /// What reads images: networks of the catalog that are here, or else the program tesseract.
    fn ocr(&self) -> Result<OcrSource> {
        let setting = self.settings.model.ocr.clone();
        let of_role = |model: &&Model| model.role == Role::Ocr;
        let models: Vec<Model> = match setting.as_str() {
            "auto" => self.catalog.iter().filter(of_role).cloned().collect(),
            "off" | "tesseract" => Vec::new(),
            id => vec![self.catalog.get_as(id, Role::Ocr)?.clone()],
        };
        let help = match (setting.as_str(), models.first()) {
            ("off", _) => "set model.ocr to \"auto\"".to_owned(),
            ("auto", Some(model)) => {
                format!("run `vade models pull {}` or install tesseract", model.id)
            }
            (_, Some(model)) => format!("run `vade models pull {}`", model.id),
            (_, None) => "install tesseract".to_owned(),
        };
        let (store, library) = (self.store.clone(), self.catalog.runtime().ok().cloned());
        let program = matches!(setting.as_str(), "auto" | "tesseract");
        let find = move || {
            let networks = |model| {
                let paths = store.locate(model).ok()?;
                Some(Ocr::Networks {
                    runtime: store
                        .locate(library.as_ref()?)
                        .ok()?
                        .files()
                        .first()?
                        .clone(),
                    detection: paths.ending("det.onnx").ok()?.to_owned(),
                    recognition: paths.ending("rec.onnx").ok()?.to_owned(),
                    threads: cores().min(EMBEDDING_THREADS),
                })
            };
            let tesseract = || program.then(tesseract).flatten();
            models.iter().find_map(networks).or_else(tesseract)
        };
        Ok(OcrSource {
            find: Arc::new(find),
            help,
        })
    }

    /// From here on neither this process nor its children reach the network, or write anywhere but in the
    /// directories of ours. Models have to be here already, and there must be no other thread.
    pub(crate) fn seal(&self) -> Result<()> {
        for directory in [&self.paths.data, &self.paths.models] {
            std::fs::create_dir_all(directory)
                .with_context(|| format!("cannot make {}", directory.display()))?;
        }
        seal::files(&[&self.paths.data, &self.paths.models]);
        seal::network();
        Ok(())
    }

    /// Makes an empty place for temporary files, in a data directory that is open.
    pub(crate) fn make_temporary(&self) -> Result<()> {
        let directory = self.paths.temporary();
        // What a daemon left that was killed; there may be nothing.
        let _ = std::fs::remove_dir_all(&directory);
        std::fs::create_dir_all(&directory)
            .with_context(|| format!("cannot make {}", directory.display()))
    }

    /// Opens the index of the data directory. Whoever holds it cannot reach the network.
    pub(crate) async fn index(&self) -> Result<Index> {
        seal::network();
        let settings = self.paths.settings.parent().map(Path::to_owned);
        let options = IndexOptions {
            data: self.paths.data.clone(),
            own: [Some(self.paths.models.clone()), settings]
                .into_iter()
                .flatten()
                .collect(),
            settings: self.settings.index.clone(),
            worker: worker()?,
            ocr: self.ocr()?,
        };
        // The model that the index was made with goes on answering while it is made anew.
        let previous = |id: &str| {
            let model = self.catalog.get_as(id, Role::Embedding).ok()?;
            self.store.locate(model).ok()?;
            self.embedder_of(model).ok()
        };
        Ok(Index::open(&options, self.embedder()?, previous).await?)
    }

    /// Everything that answers questions, in this process.
    pub(crate) async fn services(&self, stop: CancellationToken) -> Result<Services> {
        let index = self.index().await?;
        let retriever = Retriever::new(
            index,
            self.language_model()?,
            self.settings.search.clone(),
            self.settings.model.clone(),
            judged(self.embedding()?),
        );
        Ok(Services {
            retriever,
            catalog: Arc::clone(&self.catalog),
            store: self.store.clone(),
            embedding: self.settings.model.embedding.clone(),
            egress: seal::egress(),
            stop,
        })
    }
}

/// What gives an embedding thread its session, with as many threads as it may use.
type LoadEmbedder =
    Box<dyn Fn(usize) -> Result<Box<dyn Embedder>, ModelsError> + Send + Sync + 'static>;

fn on_our_engine(store: Store, model: Model, spec: EmbeddingSpec) -> LoadEmbedder {
    let shared = EngineModel::new(spec);
    Box::new(move |threads| {
        let paths = store.locate(&model)?;
        Ok(Box::new(shared.embedder(&paths, threads)?))
    })
}

fn on_onnx_runtime(
    store: Store,
    library: Model,
    model: Model,
    spec: EmbeddingSpec,
) -> LoadEmbedder {
    Box::new(move |threads| {
        let mut runtime = RUNTIME.lock().unwrap_or_else(PoisonError::into_inner);
        let loaded = if let Some(loaded) = &*runtime {
            loaded.clone()
        } else {
            let paths = store.locate(&library)?;
            let path = paths.files().first().ok_or(ModelsError::Stopped)?;
            runtime.insert(Runtime::load(path)?).clone()
        };
        let paths = store.locate(&model)?;
        Ok(Box::new(OnnxEmbedder::load(
            &loaded, &spec, &paths, threads,
        )?))
    })
}

/// The program tesseract, where it is installed.
fn tesseract() -> Option<Ocr> {
    let path = std::env::var_os("PATH")?;
    let name = format!("tesseract{}", std::env::consts::EXE_SUFFIX);
    let programs = std::env::split_paths(&path).map(|folder| folder.join(&name));
    let program = programs.into_iter().find(|program| program.is_file())?;
    Some(Ocr::Tesseract { program })
}

/// This program, which reads files in processes of its own. Linux has a name for it that goes on naming the one
/// that runs when its file is replaced or deleted.
fn worker() -> Result<PathBuf> {
    let running = std::path::Path::new("/proc/self/exe");
    if cfg!(target_os = "linux") && running.exists() {
        return Ok(running.to_owned());
    }
    std::env::current_exe().context("cannot tell where this program lies")
}

/// Refuses up front what cannot fit.
fn check_memory(model: &Model) -> Result<(), ModelsError> {
    let (needed, there) = (model.memory_mib, memory_mib());
    if needed > there {
        return Err(ModelsError::Load(format!(
            "{} needs about {needed} MiB of memory, this machine has {there} MiB: name a smaller \
             one in model.language",
            model.id
        )));
    }
    Ok(())
}

/// What the retriever must know of an embedding model.
pub(crate) fn judged(model: &Model) -> Embedding {
    let cosine = |thousandths: u16| f32::from(thousandths) / 1000.0;
    let spec = model.embedding.as_ref();
    Embedding {
        languages: model.languages.clone(),
        unrelated: spec.map_or(0.0, |spec| cosine(spec.unrelated)),
        related: spec.map_or(1.0, |spec| cosine(spec.related)),
        foreign: spec.map_or(0.0, |spec| cosine(spec.foreign)),
    }
}

/// Memory of this machine (MiB).
pub(crate) fn memory_mib() -> u64 {
    let mut system = sysinfo::System::new();
    system.refresh_memory();
    system.total_memory() >> 20
}

/// Cores of this machine.
pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().map_or(2, std::num::NonZero::get)
}

/// How a language model is loaded now; `threads` overrides the settings.
pub(crate) fn language_options(settings: &ModelSettings, threads: Option<usize>) -> Options {
    Options {
        context: settings.context,
        threads: match threads.unwrap_or(settings.threads) {
            0 => physical_cores(),
            threads => threads,
        },
        prefix_bytes: settings.prefix_cache << 20,
        nice: settings.nice,
        free_memory: Some(free_memory()),
        // Without it no model is loaded that brings a template.
        worker: Some(worker().unwrap_or_default()),
    }
}

/// Memory that programs can still take (bytes).
fn free_memory() -> u64 {
    let mut system = sysinfo::System::new();
    system.refresh_memory();
    system.available_memory()
}

/// Cores that have arithmetic of their own: two threads of one core only get in each other's way.
fn physical_cores() -> usize {
    sysinfo::System::physical_core_count().map_or_else(cores, |physical| physical.min(cores()))
}
