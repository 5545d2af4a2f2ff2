//! Imports point down the floors, and inside of `storage` too.

use crate::source::{imports, paths, report, sources};

/// The floors from the ground up; those in one row do not import each other unless they are on the
/// ground. Every file of `src` belongs to one of them.
const FLOORS: [&[&str]; 13] = [
    &[
        "clock",
        "config",
        "entropy",
        "error",
        "guide",
        "json_problem",
        "logging",
        "metrics",
        "property",
        "request_id",
        "similar",
        "throttle",
    ],
    &["domain"],
    &["storage"],
    &["tables"],
    &["audit", "password_pool", "smtp"],
    &["app"],
    &["service"],
    &["jobs"],
    &["http"],
    &["server"],
    &["cli"],
    &["testing"],
    &["main", "lib"],
];

#[test]
fn imports_point_down() {
    let mut faults = Vec::new();
    let mut seen = 0;
    for source in &sources() {
        let home = source.module();
        for (number, line) in source.code() {
            for import in imports(line) {
                seen += 1;
                let ground = floor(import) == 0;
                let below = floor(import) < floor(home);
                if !(below || ground && floor(home) == 0 || import == home) {
                    faults.push(format!("{}:{number} imports {import}", source.path));
                }
            }
        }
    }
    assert!(seen > 50, "imports were not found");
    report(&faults);
}

fn floor(module: &str) -> usize {
    FLOORS
        .iter()
        .position(|floor| floor.contains(&module))
        .unwrap_or_else(|| panic!("module {module} is on no floor"))
}

/// The parts of `storage` from the ground up; those in one row do not import each other.
const STORAGE_FLOORS: [&[&str]; 8] = [
    &["codec", "table"],
    &["engine", "pages"],
    &["cache", "opening", "pace", "snapshots"],
    &["transaction"],
    &["journal"],
    &["key_file", "new_file"],
    &["writer", "data_dir"],
    &["mod"],
];

#[test]
fn the_storage_depends_on_no_resource_and_its_parts_point_down() {
    let part = |name: &str| {
        let floor = STORAGE_FLOORS
            .iter()
            .position(|floor| floor.contains(&name));
        floor.unwrap_or_else(|| panic!("storage/{name} is on no floor of the storage"))
    };
    let mut faults = Vec::new();
    for source in &sources() {
        let Some(path) = source.path.strip_prefix("storage/") else {
            continue;
        };
        let home = path.split('/').next().expect("a path has a part");
        let home = home.strip_suffix(".rs").unwrap_or(home);
        for (number, line) in source.code_before_tests() {
            let at = format!("{}:{number}", source.path);
            for import in imports(line) {
                if ["domain", "tables"].contains(&import) {
                    faults.push(format!("{at} imports {import}"));
                }
            }
            for rest in line.split("crate::storage::").skip(1) {
                let name = rest
                    .split([':', ';', '{', ','])
                    .next()
                    .expect("there is a first");
                let is_part = STORAGE_FLOORS.iter().any(|floor| floor.contains(&name));
                if is_part && name != home && part(name) >= part(home) {
                    faults.push(format!("{at} imports storage/{name}"));
                }
            }
        }
    }
    report(&faults);
}

#[test]
fn no_files_import_each_other_in_a_circle() {
    let sources = sources();
    // The facade and the root name everything, and tests may.
    let is_counted = |path: &str| {
        let is_test = ["tests", "properties", "property"];
        let names_all = ["testing.rs", "lib.rs"].contains(&path);
        let stem = path.strip_suffix(".rs").unwrap_or(path);
        !names_all && !stem.split('/').any(|part| is_test.contains(&part))
    };
    let counted: Vec<_> = sources
        .iter()
        .filter(|source| is_counted(&source.path))
        .collect();
    let find = |path: &[String]| {
        (1..=path.len()).rev().find_map(|length| {
            let path = path[..length].join("/");
            let files = [format!("{path}.rs"), format!("{path}/mod.rs")];
            counted
                .iter()
                .position(|source| files.contains(&source.path))
        })
    };
    let imports: Vec<Vec<usize>> = counted
        .iter()
        .map(|source| {
            let code: Vec<_> = source
                .code_before_tests()
                .map(|(_, line)| line.trim())
                .collect();
            let found = paths(&code.concat())
                .into_iter()
                .filter_map(|path| find(&path));
            found
                .filter(|&file| counted[file].path != source.path)
                .collect()
        })
        .collect();
    assert!(
        imports.iter().map(Vec::len).sum::<usize>() > 100,
        "imports were not found"
    );
    let mut faults = Vec::new();
    for (start, source) in counted.iter().enumerate() {
        let mut waiting: Vec<_> = imports[start].iter().map(|&file| (file, start)).collect();
        let mut seen = vec![false; counted.len()];
        while let Some((file, from)) = waiting.pop() {
            if file == start {
                let last = &counted[from].path;
                faults.push(format!(
                    "{} is imported in a circle, at last by {last}",
                    source.path
                ));
                break;
            }
            if !std::mem::replace(&mut seen[file], true) {
                waiting.extend(imports[file].iter().map(|&next| (next, file)));
            }
        }
    }
    report(&faults);
}
