// SPDX-License-Identifier: Apache-2.0
use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, Read, Seek, SeekFrom, Write};
use std::time::{Duration, Instant};

fn files() -> io::Result<()> {
    fs::create_dir_all("/data/a/b/c")?;
    let mut f = File::create("/data/a/b/file")?;
    for i in 0..1000 {
        writeln!(f, "{i} {}", i * i)?;
    }
    drop(f);
    let mut f = OpenOptions::new().read(true).write(true).open("/data/a/b/file")?;
    f.seek(SeekFrom::End(-7))?;
    let mut tail = String::new();
    f.read_to_string(&mut tail)?;
    println!("tail {tail:?} size {}", f.metadata()?.len());
    f.set_len(10)?;
    println!("cut {:?}", fs::read_to_string("/data/a/b/file")?);
    fs::rename("/data/a/b/file", "/data/a/moved")?;
    fs::copy("/data/a/moved", "/data/a/copied")?;
    let mut names: Vec<_> = fs::read_dir("/data/a")?.map(|e| e.unwrap().file_name()).collect();
    names.sort();
    println!("{names:?}");
    for missing in ["/data/none", "/data/a/moved/x"] {
        println!("{:?}", fs::metadata(missing).map(|m| m.len()).map_err(|e| e.kind()));
    }
    println!("{:?}", fs::metadata("/data/../..").map(|m| m.len()).map_err(|_| "outside")); // EPERM or ENOTCAPABLE
    println!("{:?}", fs::remove_dir("/data/a").map_err(|_| "not empty"));
    fs::remove_dir_all("/data/a")
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    println!("{args:?} {:?}", std::env::var("GREETING"));
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for line in io::stdin().lock().lines() {
        for word in line.unwrap().split_whitespace() {
            *counts.entry(word.to_lowercase()).or_default() += 1;
        }
    }
    println!("{counts:?}");
    let squares: HashMap<u64, u64> = (0..1000).map(|i| (i, i * i)).collect();
    println!("{} {}", squares.values().sum::<u64>(), squares.len());
    println!("{:.17} {:e} {:?}", 0.1 + 0.2, 1.5e300_f64.powi(2), f64::NAN.max(1.0));
    let begin = Instant::now();
    std::thread::sleep(Duration::from_millis(20));
    println!("later {}", Instant::now() > begin); /* how much later, the reference does not always tell right */
    match files() {
        Ok(()) => println!("files fine"),
        Err(e) => println!("files: {e}"),
    }
    eprintln!("leaving");
    std::process::exit(args.len() as i32 + 40);
}
