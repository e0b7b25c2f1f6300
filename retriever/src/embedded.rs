//! Notes that stand in others: `![[Packing list]]` shows that note where it is written, so it is found with the note that
//! shows it. Pure.

/// What a text embeds: names of notes, as they are written.
pub(crate) fn targets(text: &str) -> Vec<&str> {
    let opens = ["![[", "{{embed [["];
    let mut targets = Vec::new();
    for open in opens {
        for (at, _) in text.match_indices(open) {
            let rest = &text[at + open.len()..];
            let Some((inside, _)) = rest.split_once("]]") else {
                continue;
            };
            let name = inside
                .split(['|', '#', '^'])
                .next()
                .unwrap_or_default()
                .trim();
            if !name.is_empty() && !name.contains('\n') && !targets.contains(&name) {
                targets.push(name);
            }
        }
    }
    targets
}

/// Whether a path is that of a note of this name: the file's name with or without its ending, after folders or none.
pub(crate) fn is_named(path: &str, name: &str) -> bool {
    let path = path.to_lowercase();
    let name = name.trim_start_matches('/').to_lowercase();
    let ends = |path: &str| {
        let before = path.strip_suffix(&name);
        before.is_some_and(|before| before.is_empty() || before.ends_with('/'))
    };
    let stem = path
        .rsplit_once('.')
        .map_or(path.as_str(), |(stem, _)| stem);
    ends(&path) || ends(stem)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn embeds_are_read_and_links_are_not() {
        let text = "Bring:\n![[Packing list#Boat|all]] and ![[maps/Coast.pdf]], see [[Other]].\n{{embed [[Page]]}} ![[ ]] ![[x";
        assert_eq!(targets(text), ["Packing list", "maps/Coast.pdf", "Page"]);
    }

    #[test]
    fn a_note_is_named_by_the_end_of_its_path() {
        for name in ["Packing list", "packing list.md", "trips/Packing list"] {
            assert!(is_named("/v/Trips/Packing List.md", name), "{name}");
        }
        for name in ["list", "Packing", "other/Packing list"] {
            assert!(!is_named("/v/Trips/Packing List.md", name), "{name}");
        }
    }
}
