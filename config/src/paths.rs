//! Where things lie on disk: the data directory, the model directory, the settings file.

use std::path::{Path, PathBuf};

use crate::ConfigError;

/// The folders of one installation.
#[derive(Debug, Clone)]
pub struct Paths {
    /// The index, the ledger, the lock and the token.
    pub data: PathBuf,
    /// Weights, shared between data directories.
    pub models: PathBuf,
    /// The settings file that is read when none is named.
    pub settings: PathBuf,
    /// Where programs keep what can be made again; libraries of ours must keep nothing there.
    pub cache: Option<PathBuf>,
}

impl Paths {
    /// Resolves the folders; `data` and `models` override the platform's own.
    ///
    /// The model directory is `vade-models` beside the data directory unless overridden.
    ///
    /// # Errors
    /// When no data directory is given and the platform tells no home directory.
    pub fn resolve(data: Option<&Path>, models: Option<&Path>) -> Result<Self, ConfigError> {
        let platform = directories::ProjectDirs::from("", "", "vade");
        let data = match (data, &platform) {
            (Some(data), _) => std::path::absolute(data).unwrap_or_else(|_| data.to_owned()),
            (None, Some(platform)) => platform.data_dir().to_owned(),
            (None, None) => return Err(ConfigError::NoHome),
        };
        let models = match models {
            Some(models) => std::path::absolute(models).unwrap_or_else(|_| models.to_owned()),
            None => data.parent().unwrap_or(&data).join("vade-models"),
        };
        let settings = match &platform {
            Some(platform) => platform.config_dir().join("vade.toml"),
            None => data.join("vade.toml"),
        };
        let cache = directories::BaseDirs::new().map(|base| base.cache_dir().to_owned());
        Ok(Self {
            data,
            models,
            settings,
            cache,
        })
    }

    /// Where the daemon keeps temporary files.
    #[must_use]
    pub fn temporary(&self) -> PathBuf {
        self.data.join("temporary")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_lie_beside_the_data_directory() {
        let paths = Paths::resolve(Some(Path::new("/srv/notes/vade")), None).expect("paths");
        assert_eq!(paths.data, Path::new("/srv/notes/vade"));
        assert_eq!(paths.models, Path::new("/srv/notes/vade-models"));
    }

    #[test]
    fn a_named_model_directory_wins() {
        let paths =
            Paths::resolve(Some(Path::new("/a/vade")), Some(Path::new("/b"))).expect("paths");
        assert_eq!(paths.models, Path::new("/b"));
    }
}
