//! What is written: by the operator, which is told of it as its own writes are, and by the command that takes everything back.

use k8s_openapi::jiff::Timestamp;
use serde_json::json;

use super::{Cluster, IAM, key, typed};
use crate::operator::pulls::leftovers::Leftovers;
use crate::operator::pulls::mirror::Change;
use crate::operator::pulls::plan::{Act, Ended, Miss, Object, Step, Wrote, created};
use crate::operator::pulls::stuck::{Cure, Remedy};
use crate::operator::pulls::world::Seen;
use crate::operator::reporting::Reported;

impl Cluster {
    /// Does everything that is to be done now. Returns the writes.
    pub fn settle(&mut self) -> Vec<String> {
        let before = self.writes.len();
        self.world.work.wake(self.now);
        while let Some((namespace, steps)) = self.world.next_job(self.now) {
            self.work(namespace, steps);
            assert!(self.writes.len() < before + 10_000, "it goes round: {:?}", self.writes.last());
        }
        self.writes[before..].to_vec()
    }

    /// Takes everything back as the command does, which no operator sees. Returns the writes.
    pub fn clean_up(&mut self) -> Vec<String> {
        let (before, mut found) = (self.writes.len(), Leftovers::new(IAM));
        self.accounts.values().for_each(|object| found.account(&typed(object)));
        for ((namespace, _), object) in &self.secrets {
            let mut object = object.clone();
            object["metadata"]["namespace"] = json!(namespace);
            found.secret(&typed(&object));
        }
        for (namespace, steps) in found.jobs() {
            steps.iter().for_each(|step| assert!(self.write(&namespace, step).is_ok(), "{namespace}"));
        }
        self.writes[before..].to_vec()
    }

    fn work(&mut self, namespace: Box<str>, steps: Vec<Step>) {
        let (mut done, mut missed, mut undone) = (Vec::new(), None, Vec::new());
        for step in steps {
            if undone.iter().any(|other| step.waits_for(other)) {
                continue;
            }
            match self.write(&namespace, &step) {
                Ok(wrote) => done.push((step.object, step.goal, wrote)),
                Err(miss) => {
                    missed = missed.or(Some(miss));
                    undone.push(step);
                }
            }
        }
        if let Some((of, name)) = self.late.take_if(|(of, _)| *of == namespace) {
            self.secret(&of, &name, None);
        }
        self.world.ended(Ended { namespace, done, missed }, self.now);
    }

    fn write(&mut self, namespace: &str, step: &Step) -> Result<Wrote, Miss> {
        let (Object::Account(name) | Object::Secret(name)) = &step.object;
        let verb = match &step.act {
            Act::Refer(_) => "refer",
            Act::Create(_) => "create",
            Act::Change(_) => "change",
            Act::Delete(_) => "delete",
        };
        self.writes.push(format!("{namespace} {verb} {name}"));
        if let Some((reason, words)) = self.refusing.get(namespace) {
            return Err(Miss::Failed(*reason, (*words).to_owned()));
        }
        let (version, key) = (self.next(), key(namespace, name));
        match &step.act {
            Act::Refer(patch) => {
                let object = self.accounts.get_mut(&key).ok_or(Miss::Beaten)?;
                let mut after = object.clone();
                json_patch::patch(&mut after, patch).map_err(|_| Miss::Beaten)?;
                after["metadata"]["resourceVersion"] = json!(version);
                *object = after;
                Ok(Wrote::Account(Box::new(typed(object))))
            }
            Act::Create(file) if !self.secrets.contains_key(&key) => {
                let mut object = created(name, file, IAM);
                object["metadata"]["uid"] = json!(format!("s-{version}"));
                object["metadata"]["resourceVersion"] = json!(version);
                self.secrets.insert(key, object.clone());
                Ok(Wrote::Secret(Box::new(typed(&object))))
            }
            Act::Create(_) => Err(Miss::Beaten),
            Act::Change(patch) => {
                let object = self.secrets.get_mut(&key).ok_or(Miss::Beaten)?;
                let is = |name: &str| object["metadata"][name] == patch["metadata"][name];
                if !is("uid") || !is("resourceVersion") {
                    return Err(Miss::Beaten);
                }
                assert!(object["immutable"] != json!(true) || patch.get("data").is_none(), "it is immutable");
                json_patch::merge(object, patch);
                object["metadata"]["resourceVersion"] = json!(version);
                Ok(Wrote::Secret(Box::new(typed(object))))
            }
            Act::Delete(seen) => {
                let object = self.secrets.get(&key).ok_or(Miss::Beaten)?;
                if object["metadata"]["resourceVersion"] != json!(seen.resource_version) {
                    return Err(Miss::Beaten);
                }
                self.secrets.remove(&key);
                Ok(Wrote::Gone)
            }
        }
    }

    /// Writes the statuses that are due; returns how many.
    pub fn report(&mut self) -> usize {
        let told = self.world.statuses(Timestamp::from_millisecond(self.now).unwrap());
        for one in &told {
            let version = self.next();
            let object = self.credentials.get_mut(&*one.write.key.name).unwrap();
            let mut status = object["status"].clone();
            json_patch::merge(&mut status, &one.write.status);
            object["status"] = status.clone();
            object["metadata"]["resourceVersion"] = json!(version);
            self.world.reported(one, Reported::Written(version, status), self.now);
        }
        told.len()
    }

    /// Does what is to be done about Pods now, and tells each, as `namespace reason object`.
    pub fn remedy(&mut self) -> Vec<String> {
        let mut told = Vec::new();
        loop {
            let remedies = self.world.next_remedies(self.now);
            if remedies.is_empty() {
                return told;
            }
            for remedy in remedies {
                let missed = (remedy.cure == Cure::Delete).then(|| self.delete_pod(&remedy).err()).flatten();
                if self.world.remedied(&remedy, missed.as_ref(), self.now) {
                    let (namespace, name) = &remedy.key;
                    told.push(format!("{namespace} {} {name}", remedy.news().reason));
                }
            }
        }
    }

    fn delete_pod(&mut self, remedy: &Remedy) -> Result<(), Miss> {
        if let Some((reason, words)) = self.refusing.get(&remedy.key.0) {
            return Err(Miss::Failed(*reason, (*words).to_owned()));
        }
        let pod = self.pods.remove(&remedy.key).ok_or(Miss::Beaten)?;
        assert_eq!(
            pod["metadata"]["resourceVersion"], remedy.version.resource_version,
            "the version is known"
        );
        self.see(Seen::Pod(Change::Gone(remedy.key.clone())));
        Ok(())
    }
}
