//! Vectors that are compared one by one: those that the index does not hold yet, or all of a store without one.
//!
//! They are kept in memory, file by file and a byte for each dimension: LanceDB takes longer to plan a look at
//! a few rows than to compare thousands, and reads four times as much. A file never changes; what changes is
//! which of its rows are deleted.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::thread;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float32Type, UInt64Type};
use futures::TryStreamExt;
use lance::Dataset;

use crate::error::{IndexerError, Result};
use crate::index::lock;
use crate::rows::{Inside, ROW, file_of, place_of};
use crate::vectors::{VECTOR, column, engine, fragment};

/// The largest byte, and the largest number in a question: products of so many dimensions as models have
/// fit a sum of 32 bits.
const LARGEST_BYTE: f32 = 127.0;
const LARGEST_ASKED: f32 = 8191.0;
/// Fewer rows are compared by one thread.
const ROWS_A_THREAD: usize = 32_768;
const MOST_THREADS: usize = 4;

/// The vectors of some files, and which of their rows are deleted.
#[derive(Default)]
pub(crate) struct Tail {
    files: Mutex<HashMap<u64, Arc<Held>>>,
    deleted: Mutex<HashMap<Version, Arc<Vec<u64>>>>,
}

/// A file by its number, and how many of its rows are deleted.
pub(crate) type Version = (u64, usize);

/// Rows of a file in their order, and their vectors one after the other.
#[derive(Default)]
struct Held {
    rows: Vec<u64>,
    /// What a byte of each row's vector stands for.
    scales: Vec<f32>,
    bytes: Vec<i8>,
}

/// A file with what is deleted in it.
type Part = (Arc<Held>, Arc<Vec<u64>>);

impl Tail {
    /// The rows in these files of `dataset` that are nearest to `vector`, and one minus their dot products, which
    /// are right to about a thousandth. Only those `inside`, if that is given.
    pub(crate) async fn nearest(
        &self,
        dataset: &Dataset,
        files: &[Version],
        vector: &[f32],
        limit: usize,
        inside: Option<&Inside>,
    ) -> Result<Vec<(u64, f32)>> {
        let parts = self.parts(dataset, files).await?;
        let asked = Asked::new(vector);
        let rows: usize = parts.iter().map(|(held, _)| held.rows.len()).sum();
        let threads = thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let threads = (rows / ROWS_A_THREAD).clamp(1, threads.min(MOST_THREADS));
        let share = parts.len().div_ceil(threads).max(1);
        let mut found = thread::scope(|scope| {
            let nearest = |parts: &[Part]| asked.nearest(parts, limit, inside);
            let mut shares = parts.chunks(share);
            let own = shares.next().unwrap_or_default();
            let others: Vec<_> = shares
                .map(|parts| {
                    let thread = thread::Builder::new();
                    // Where the system gives no thread, this one does it.
                    let started = thread.spawn_scoped(scope, move || nearest(parts));
                    started.map_err(|_| parts)
                })
                .collect();
            let mut found = nearest(own);
            for other in others {
                found.extend(match other {
                    Ok(thread) => thread.join().map_err(|_| IndexerError::Closed)?,
                    Err(parts) => nearest(parts),
                });
            }
            Result::Ok(found)
        })?;
        keep_nearest(&mut found, limit);
        Ok(found)
    }

    /// Reads what of these files was not read yet, and forgets other files.
    async fn parts(&self, dataset: &Dataset, files: &[Version]) -> Result<Vec<Part>> {
        let mut parts = Vec::new();
        let mut read = false;
        for &version in files {
            let held = lock(&self.files).get(&version.0).cloned();
            let held = if let Some(held) = held {
                held
            } else {
                read = true;
                let held = Arc::new(Held::read(dataset, version.0).await?);
                lock(&self.files).insert(version.0, Arc::clone(&held));
                held
            };
            let deleted = lock(&self.deleted).get(&version).cloned();
            let deleted = if let Some(deleted) = deleted {
                deleted
            } else {
                read = true;
                let deleted = Arc::new(deleted_of(dataset, version).await?);
                lock(&self.deleted).insert(version, Arc::clone(&deleted));
                deleted
            };
            parts.push((held, deleted));
        }
        if read {
            lock(&self.files).retain(|number, _| files.iter().any(|file| file.0 == *number));
            lock(&self.deleted).retain(|version, _| files.contains(version));
        }
        Ok(parts)
    }
}

impl Held {
    async fn read(dataset: &Dataset, number: u64) -> Result<Self> {
        let mut held = Self::default();
        let Some(fragment) = fragment(dataset, number) else {
            return Ok(held);
        };
        let mut scan = fragment.scan();
        engine(scan.project(&[VECTOR]))?
            .with_row_id()
            .batch_size(1024)
            .batch_readahead(1);
        let mut batches = engine(scan.try_into_stream().await)?;
        while let Some(batch) = engine(batches.try_next().await)? {
            let rows = column(&batch, ROW)?.as_primitive::<UInt64Type>();
            held.rows.extend(rows.values());
            let vectors = column(&batch, VECTOR)?.as_fixed_size_list();
            for row in 0..batch.num_rows() {
                let vector = vectors.value(row);
                held.add(vector.as_primitive::<Float32Type>().values());
            }
        }
        held.bytes.shrink_to_fit();
        Ok(held)
    }

    #[expect(clippy::cast_possible_truncation, reason = "within a byte")]
    fn add(&mut self, vector: &[f32]) {
        let scale = largest(vector) / LARGEST_BYTE;
        self.scales.push(scale);
        let bytes = vector.iter().map(|x| (x / scale).round() as i8);
        self.bytes.extend(bytes);
    }
}

/// A question's vector, as it is compared.
struct Asked {
    numbers: Vec<i16>,
    scale: f32,
}

impl Asked {
    #[expect(clippy::cast_possible_truncation, reason = "within 14 bits")]
    fn new(vector: &[f32]) -> Self {
        let scale = largest(vector) / LARGEST_ASKED;
        let numbers = vector.iter().map(|x| (x / scale).round() as i16);
        Self {
            numbers: numbers.collect(),
            scale,
        }
    }

    fn nearest(&self, parts: &[Part], limit: usize, inside: Option<&Inside>) -> Vec<(u64, f32)> {
        let (mut found, mut products) = (Vec::new(), Vec::new());
        for (held, deleted) in parts {
            products.clear();
            products_with(&self.numbers, &held.bytes, &mut products);
            let rows = held.rows.iter().zip(&held.scales).zip(&products);
            #[expect(clippy::cast_precision_loss, reason = "a distance")]
            let distance = |product: i32, scale: f32| 1.0 - product as f32 * scale * self.scale;
            let start = found.len();
            found.extend(rows.map(|((row, scale), product)| (*row, distance(*product, *scale))));
            for row in deleted.iter() {
                if let Ok(place) = held.rows.binary_search(row) {
                    found[start + place].1 = f32::INFINITY;
                }
            }
            if let (Some(inside), Some(row)) = (inside, held.rows.first()) {
                let inside = inside.of_file(file_of(*row));
                for (row, distance) in &mut found[start..] {
                    if inside.get(place_of(*row)) != Some(&true) {
                        *distance = f32::INFINITY;
                    }
                }
            }
            keep_nearest(&mut found, limit);
        }
        found.retain(|(_, distance)| distance.is_finite());
        found
    }
}

/// The largest number without its sign; more than nothing.
fn largest(vector: &[f32]) -> f32 {
    let largest = vector.iter().fold(0.0_f32, |most, x| most.max(x.abs()));
    largest.max(f32::MIN_POSITIVE * LARGEST_ASKED)
}

fn keep_nearest(found: &mut Vec<(u64, f32)>, limit: usize) {
    if found.len() > limit {
        found.select_nth_unstable_by(limit, |a, b| a.1.total_cmp(&b.1));
        found.truncate(limit);
    }
}

async fn deleted_of(dataset: &Dataset, (number, count): Version) -> Result<Vec<u64>> {
    if count == 0 {
        return Ok(Vec::new());
    }
    let Some(fragment) = fragment(dataset, number) else {
        return Ok(Vec::new());
    };
    let deleted = engine(fragment.get_deletion_vector().await)?;
    let places = deleted.iter().flat_map(|deleted| deleted.iter());
    Ok(places
        .map(|place| number << 32 | u64::from(place))
        .collect())
}

/// The dot products of a question with rows of bytes.
fn products_with(asked: &[i16], bytes: &[i8], products: &mut Vec<i32>) {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        #[target_feature(enable = "avx2")]
        fn with_avx2(asked: &[i16], bytes: &[i8], products: &mut Vec<i32>) {
            each_product(asked, bytes, products);
        }
        #[expect(unsafe_code, reason = "what the processor can was just asked")]
        // SAFETY: the processor has AVX2.
        return unsafe { with_avx2(asked, bytes, products) };
    }
    each_product(asked, bytes, products);
}

#[inline(always)]
#[expect(clippy::inline_always, reason = "compiled for what its caller may use")]
fn each_product(asked: &[i16], bytes: &[i8], products: &mut Vec<i32>) {
    let rows = bytes.chunks_exact(asked.len().max(1));
    products.extend(rows.map(|row| {
        let both = asked.iter().zip(row);
        both.map(|(a, b)| i32::from(*a) * i32::from(*b))
            .sum::<i32>()
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Vectors of length one that are hardly random.
    fn vector(number: usize) -> Vec<f32> {
        #[expect(clippy::cast_precision_loss, reason = "small numbers")]
        let numbers = (1..=384).map(|place| ((number * 7919 + place * place * 31) % 1009) as f32);
        let vector: Vec<f32> = numbers.map(|x| x / 504.5 - 1.0).collect();
        let length = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
        vector.iter().map(|x| x / length).collect()
    }

    #[test]
    fn bytes_are_enough_to_compare() {
        let mut held = Held::default();
        for number in 0..500 {
            held.rows.push(number as u64);
            held.add(&vector(number));
        }
        let asked = vector(900);
        let deleted = Arc::new(vec![3, 499]);
        let found = Asked::new(&asked).nearest(&[(Arc::new(held), deleted)], 600, None);
        assert_eq!(found.len(), 498);
        for (row, distance) in found {
            assert!(row != 3 && row != 499);
            let other = vector(usize::try_from(row).expect("small"));
            let exact: f32 = asked.iter().zip(&other).map(|(a, b)| a * b).sum();
            assert!(
                (1.0 - distance - exact).abs() < 2e-3,
                "{row}: {distance} {exact}"
            );
        }
    }

    #[test]
    fn nothing_is_nearest_to_nothing() {
        let mut held = Held::default();
        held.rows.push(1);
        held.add(&[0.0; 8]);
        let found = Asked::new(&[0.0; 8]).nearest(&[(Arc::new(held), Arc::default())], 5, None);
        assert_eq!(found, [(1, 1.0)]);
    }
}
