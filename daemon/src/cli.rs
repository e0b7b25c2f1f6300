//! The command line: what can be written, and nothing of what it does.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// Ask your own documents, on your own machine.
#[derive(Debug, Parser)]
#[command(name = "vade", version, propagate_version = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub common: Common,
    #[command(subcommand)]
    pub command: Command,
}

/// Flags that every command takes.
#[derive(Debug, Clone, Args)]
pub(crate) struct Common {
    /// Where the index lives
    #[arg(long, global = true, value_name = "DIR", env = "VADE_DATA_DIR")]
    pub data_dir: Option<PathBuf>,
    /// Where models live (default: vade-models beside the data directory)
    #[arg(long, global = true, value_name = "DIR", env = "VADE_MODEL_DIR")]
    pub model_dir: Option<PathBuf>,
    /// Settings file
    #[arg(long, global = true, value_name = "FILE", env = "VADE_CONFIG")]
    pub config: Option<PathBuf>,
    /// Print results as JSON
    #[arg(long, global = true)]
    pub json: bool,
    /// Say more on standard error (repeat for even more)
    #[arg(long, short, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the daemon: index, watch, and serve the page
    Up(Up),
    /// Index folders once and exit
    Index(Folders),
    /// Ask a question
    Ask(Ask),
    /// Find passages
    Search(Search),
    /// Say what is indexed and how far indexing has got
    Status(Status),
    /// Remove files from the index and everything that repeats them, and check that they are gone
    Forget(Forget),
    /// Write index, conversations and settings to one archive
    Export(Export),
    /// Make an index of an archive that `vade export` wrote
    Import(Import),
    /// Watch further folders
    Add(Folders),
    /// Stop watching folders and forget what was indexed from them
    Remove(Folders),
    /// List, fetch, check and remove models
    #[command(subcommand)]
    Models(Models),
    /// Measure speed and quality on this machine
    Bench(BenchOptions),
    /// Ask the questions of a set and judge the answers
    Eval(Eval),
    /// Check the installation and say how to mend what is wrong
    Doctor,
    /// Read files in a process of its own
    #[command(hide = true)]
    ExtractChild,
    /// Run a chat template in a process of its own
    #[command(hide = true)]
    TemplateChild,
}

#[derive(Debug, Args)]
pub(crate) struct Up {
    /// Folders to index and watch, besides those added before
    #[arg(value_name = "FOLDER")]
    pub folders: Vec<PathBuf>,
    /// Port (0 takes a free one)
    #[arg(long)]
    pub port: Option<u16>,
    /// Address to bind; anything but loopback asks for the access token
    #[arg(long)]
    pub address: Option<IpAddr>,
    /// Ask this once everything is indexed, then go on serving
    #[arg(long, value_name = "QUESTION")]
    pub ask: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Status {
    /// Say why this file is in the index, or is not
    #[arg(long, value_name = "PATH")]
    pub why: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Forget {
    /// Files or folders; those that are still there are kept out from now on
    #[arg(value_name = "PATH", required = true)]
    pub paths: Vec<PathBuf>,
    /// Let them in again
    #[arg(long)]
    pub undo: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Export {
    /// The archive (.tar.gz)
    #[arg(value_name = "FILE")]
    pub archive: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct Import {
    /// The archive
    #[arg(value_name = "FILE")]
    pub archive: PathBuf,
    /// Watch this folder of the archive: OLD where it lies at the same place here, OLD=NEW elsewhere
    #[arg(long = "folder", value_name = "OLD[=NEW]")]
    pub folders: Vec<String>,
    /// What the archive may unpack to (default: 64 MiB and twenty times its size)
    #[arg(long, value_name = "MIB")]
    pub max_unpacked: Option<u64>,
}

#[derive(Debug, Args)]
pub(crate) struct Folders {
    #[arg(value_name = "FOLDER", required = true)]
    pub folders: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Ask {
    /// The question
    #[arg(value_name = "QUESTION", required = true)]
    pub question: Vec<String>,
    /// Language model to ask
    #[arg(long, value_name = "ID")]
    pub model: Option<String>,
    /// Conversation to continue
    #[arg(long, value_name = "ID")]
    pub conversation: Option<String>,
    #[command(flatten)]
    pub scope: Scope,
}

#[derive(Debug, Args)]
pub(crate) struct Search {
    /// What to look for
    #[arg(value_name = "QUERY", required = true)]
    pub query: Vec<String>,
    /// Passages wanted
    #[arg(short, default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=100))]
    pub k: u16,
    /// Say how each passage was found, and what kept others out
    #[arg(long)]
    pub explain: bool,
    /// Say what became of this file
    #[arg(long, value_name = "PATH")]
    pub expect: Option<PathBuf>,
    #[command(flatten)]
    pub scope: Scope,
}

/// Where to look.
#[derive(Debug, Clone, Args)]
pub(crate) struct Scope {
    /// Only documents under this folder
    #[arg(long, value_name = "FOLDER")]
    pub folder: Option<PathBuf>,
    /// Only documents with this tag
    #[arg(long)]
    pub tag: Option<String>,
    /// Only documents changed on or after this day
    #[arg(long, value_name = "DATE")]
    pub after: Option<String>,
    /// Only documents changed on or before this day
    #[arg(long, value_name = "DATE")]
    pub before: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Models {
    /// List the models of the catalog
    List,
    /// Fetch models (default: those in use)
    Pull(ModelIds),
    /// Check the files of models (default: all that are here)
    Verify(ModelIds),
    /// Remove models
    Rm(SomeModelIds),
}

#[derive(Debug, Args)]
pub(crate) struct ModelIds {
    #[arg(value_name = "ID")]
    pub ids: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct SomeModelIds {
    #[arg(value_name = "ID", required = true)]
    pub ids: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Eval {
    /// Case files (TOML or JSON), or files in SQuAD layout; a file without documents asks about your own
    #[arg(value_name = "FILE", required_unless_present = "make")]
    pub files: Vec<PathBuf>,
    /// Only questions of this kind
    #[arg(long, value_name = "KIND")]
    pub only: Option<String>,
    /// So many questions of each file, evenly spread (0: all)
    #[arg(long, default_value_t = 0)]
    pub limit: usize,
    /// Questions to pass over
    #[arg(long, default_value_t = 0)]
    pub offset: usize,
    /// Share (0 to 1) of the paragraphs of a file in SQuAD layout to leave out, so that their questions have no answer
    #[arg(long, default_value_t = 0.0, value_name = "SHARE")]
    pub absent: f64,
    /// Have the model judge every likely quote; with `RUST_LOG=trace` its states are printed, to fit its judge on
    #[arg(long)]
    pub judge_all: bool,
    /// Language model to ask
    #[arg(long, value_name = "ID")]
    pub model: Option<String>,
    /// Write a page to read: figures, then each question with its answer
    #[arg(long, value_name = "PAGE.html")]
    pub report: Option<PathBuf>,
    /// Show the figures of an earlier run, which `--json` printed, beside these
    #[arg(long, value_name = "OLD.json")]
    pub before: Option<PathBuf>,
    /// Write questions about your own documents, which the language model makes, to a case file
    #[arg(long, value_name = "FILE", conflicts_with = "files")]
    pub make: Option<PathBuf>,
    /// Questions to make
    #[arg(long, default_value_t = 40, requires = "make")]
    pub questions: usize,
}

#[derive(Debug, Args)]
pub(crate) struct BenchOptions {
    /// Without a command: `all`
    #[command(subcommand)]
    pub what: Option<Bench>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Bench {
    /// Index a folder into a temporary index, search it, ask it
    All {
        /// The folder (default: samples/ here, or else the first watched folder)
        #[arg(value_name = "FOLDER")]
        folder: Option<PathBuf>,
    },
    /// Index a copy of a folder: rates by format, saves until found, start-up, memory, disk
    Index {
        /// The folder
        #[arg(value_name = "FOLDER")]
        folder: PathBuf,
        /// Notes to save while a tenth of the folder is indexed, and afterwards
        #[arg(long, default_value_t = 40)]
        saves: usize,
        /// Edits of random files before the disk is measured
        #[arg(long, default_value_t = 0)]
        edits: usize,
    },
    /// The vector store alone, on made-up vectors: recall, search, saves, index, memory, disk
    Vectors {
        /// Chunks
        #[arg(long, default_value_t = 100_000)]
        chunks: usize,
        /// Queries
        #[arg(long, default_value_t = 100)]
        queries: usize,
        /// Documents of 12 chunks to replace afterwards
        #[arg(long, default_value_t = 200)]
        edits: usize,
    },
    /// Recall and ranking on questions whose paragraph is known (`SQuAD` 1.1 layout)
    Retrieval {
        /// The file
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// Questions to use, spread over the file (0: all)
        #[arg(long, default_value_t = 0)]
        questions: usize,
        /// Questions of these to put to the language model
        #[arg(long, default_value_t = 0)]
        answers: usize,
    },
    /// Prompt and generation speed of a language model
    Lm {
        /// Catalog id (default: the one in use)
        #[arg(long)]
        model: Option<String>,
        /// Prompt lengths (tokens)
        #[arg(long, default_values_t = [512])]
        prompt: Vec<usize>,
        /// Tokens to generate
        #[arg(long, default_value_t = 64)]
        generate: usize,
        /// Threads (0: one per physical core)
        #[arg(long)]
        threads: Option<usize>,
        /// Answer the messages in this file instead: one object with `system` and `user` a line
        #[arg(long, conflicts_with = "prompt")]
        messages: Option<PathBuf>,
        /// Tokens that each answer may take
        #[arg(long, default_value_t = 64, requires = "messages")]
        max_tokens: usize,
        /// Do not guess ahead
        #[arg(long)]
        no_drafting: bool,
    },
}
