//! `vade doctor`: every precondition checked, and for each that fails the way out.

use std::io::{ErrorKind, Write};
use std::net::TcpListener;

use anyhow::Result;
use reqwest::Method;
use serde::Serialize;
use vade_indexer::{Whose, holder, whose};
use vade_web::api::EgressReport;

use crate::Ended;
use crate::client::Client;
use crate::compose::{Setup, cores, memory_mib};
use crate::output;
use crate::seal;

/// The least that a data directory needs to be of use (bytes).
const ROOM: usize = 1 << 20;

#[derive(Serialize)]
struct Check {
    what: &'static str,
    ok: bool,
    detail: String,
}

pub(crate) async fn run(setup: &Setup) -> Result<Ended> {
    let mut checks = vec![machine(), settings(setup), data(setup), port(setup)];
    checks.extend(models(setup)?);
    checks.push(engine(setup).await);
    checks.extend(index(setup).await);
    // The last: what is sealed stays so.
    let report = egress(setup).await?;
    checks.push(check("seal", sealed(&report)));
    let ok = checks.iter().all(|check| check.ok);
    if setup.json {
        let egress = report.egress;
        output::json(&serde_json::json!({ "ok": ok, "egress": egress, "checks": checks }))?;
    } else {
        for check in &checks {
            let mark = if check.ok { "ok  " } else { "FAIL" };
            output::line(&format!("{mark} {:18} {}", check.what, check.detail));
        }
    }
    anyhow::ensure!(ok, "not everything is in order: see the lines marked FAIL");
    Ok(Ended::Done)
}

fn check(what: &'static str, outcome: Result<String, String>) -> Check {
    let ok = outcome.is_ok();
    let (Ok(detail) | Err(detail)) = outcome;
    Check { what, ok, detail }
}

fn machine() -> Check {
    let detail = format!("{} cores, {} MiB of memory", cores(), memory_mib());
    #[cfg(target_arch = "x86_64")]
    let detail = {
        let tier = if cfg!(target_feature = "avx512vnni") {
            "AVX-512 VNNI"
        } else if cfg!(target_feature = "avxvnni") {
            "AVX-VNNI"
        } else if cfg!(target_feature = "avx2") {
            "AVX2"
        } else {
            return check(
                "machine",
                Ok(format!(
                    "{detail}; built without AVX2: inference is slow, build on this machine"
                )),
            );
        };
        format!("{detail}, built for {tier}")
    };
    check("machine", Ok(detail))
}

fn settings(setup: &Setup) -> Check {
    let path = &setup.paths.settings;
    let state = if path.exists() {
        "read"
    } else {
        "not there: defaults are used"
    };
    check("settings", Ok(format!("{} ({state})", path.display())))
}

fn data(setup: &Setup) -> Check {
    let path = &setup.paths.data;
    let use_by = holder(path).map_or(String::new(), |holder| {
        format!(", in use by process {}", holder.process)
    });
    let place = match whose(path) {
        Err(error) => return check("data directory", Err(error.to_string())),
        Ok(Whose::Absent) => path.ancestors().skip(1).find(|above| above.is_dir()),
        Ok(Whose::Empty | Whose::Ours) => Some(path.as_path()),
    };
    let state = if path.exists() {
        use_by
    } else {
        " (not there yet: it is made when it is needed)".to_owned()
    };
    // Such a file has no name: nothing is left behind.
    let outcome = tempfile::tempfile_in(place.unwrap_or(path))
        .and_then(|mut file| file.write_all(&vec![0; ROOM]))
        .map(|()| format!("{}{state}", path.display()))
        .map_err(|error| {
            let way_out = match error.kind() {
                ErrorKind::StorageFull => "free some space for it",
                _ => "name another --data-dir",
            };
            format!("{} cannot be written: {error}; {way_out}", path.display())
        });
    check("data directory", outcome)
}

fn port(setup: &Setup) -> Check {
    let server = &setup.settings.server;
    let outcome = match TcpListener::bind((server.address, server.port)) {
        Ok(_) => Ok(format!("{}:{} is free", server.address, server.port)),
        Err(_) if holder(&setup.paths.data).is_some() => Ok(format!(
            "{}:{} is in use, by vade itself perhaps",
            server.address, server.port
        )),
        Err(error) => Err(format!(
            "{}:{}: {error}; choose another with --port",
            server.address, server.port
        )),
    };
    check("port", outcome)
}

fn models(setup: &Setup) -> Result<Vec<Check>> {
    Ok(setup
        .needed()?
        .into_iter()
        .map(|model| {
            let outcome = setup.store.locate(model);
            check(
                "model",
                outcome
                    .map(|_| format!("{} is here and its hash is right", model.id))
                    .map_err(|error| error.to_string()),
            )
        })
        .collect())
}

/// What the daemon reaches of the network when it tries to; or this process, sealed as the daemon would be.
async fn egress(setup: &Setup) -> Result<EgressReport> {
    if let Ok(Some(client)) = Client::find(&setup.paths) {
        let nothing = serde_json::json!({});
        return client.call(Method::POST, "/api/egress", &nothing).await;
    }
    seal::network();
    Ok(seal::egress().report())
}

/// A seal holds where everything that was tried is refused.
fn sealed(report: &EgressReport) -> Result<String, String> {
    let named = |refused: bool| -> Vec<&str> {
        let attempts = report.attempts.iter();
        let attempts = attempts.filter(|attempt| attempt.refused == refused);
        attempts.map(|attempt| attempt.what.as_str()).collect()
    };
    let through = named(false);
    if !through.is_empty() {
        return Err(format!("{} got through", through.join(", ")));
    }
    let notice = report.notice.as_deref();
    match (report.egress.as_str(), notice) {
        ("sealed", None) => Ok(format!("sealed: {} are refused", named(true).join(", "))),
        ("sealed", Some(notice)) => Ok(format!("sealed, but {notice}")),
        (_, notice) => {
            let notice = notice.unwrap_or("no reason is known");
            Err(format!("open: {notice}"))
        }
    }
}

/// What was lost of the index, and which folders are not there; nothing where there is no index yet.
async fn index(setup: &Setup) -> Vec<Check> {
    let parts = ["ledger.sqlite3", "text"];
    if !parts
        .iter()
        .any(|part| setup.paths.data.join(part).exists())
    {
        return Vec::new();
    }
    let status = match super::status::now(setup).await {
        Ok(status) => status,
        Err(error) => return vec![check("index", Err(format!("{error:#}")))],
    };
    let lost = status.notices.into_iter().map(Ok);
    let away = status.folders.into_iter().filter_map(|folder| {
        let away = folder.away?;
        Some(Err(format!("{}: {away}", folder.path)))
    });
    let all = lost.map(|lost| check("ledger", lost));
    all.chain(away.map(|away| check("folder", away))).collect()
}

async fn engine(setup: &Setup) -> Check {
    let outcome = async {
        let embedder = setup.embedder()?;
        anyhow::Ok(embedder.embed_question("a test").await?.len())
    };
    check(
        "embedding",
        outcome
            .await
            .map(|dimensions| format!("works, {dimensions} dimensions"))
            .map_err(|error| format!("{error:#}")),
    )
}
