//! A control plane of a test's own: etcd, kube-apiserver and kube-controller-manager, each of which it may kill,
//! stop, freeze and start again on the same ports with the same data.
//!
//! There is no kubelet: no Pod ever runs and no Job ends.

use std::time::Duration;

use k8s_openapi::api::core::v1::ServiceAccount;
use kube::Api;

use super::{
    Failure, Result,
    audit::Audit,
    certs::Authority,
    child::{Leashed, Signal, Spec},
    cluster::{Cluster, kubeconfig},
    flags::{self, Options, Ports},
    ports::free,
    scratch::Scratch,
    tools,
    wait::eventually,
};

/// How long a program may take from its start until it answers, on a machine busy with other tests.
const PATIENCE: Duration = Duration::from_secs(120);

/// One of the three.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    /// etcd.
    Etcd,
    /// kube-apiserver.
    Apiserver,
    /// kube-controller-manager.
    Controllers,
}

impl Program {
    /// All of them, in the order in which they start.
    pub const ALL: [Self; 3] = [Self::Etcd, Self::Apiserver, Self::Controllers];

    /// The name by which everybody knows it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Etcd => "etcd",
            Self::Apiserver => "kube-apiserver",
            Self::Controllers => "kube-controller-manager",
        }
    }
}

/// A running control plane. Dropping it kills everything and leaves nothing.
pub struct ControlPlane {
    etcd: Option<Leashed>,
    apiserver: Option<Leashed>,
    controllers: Option<Leashed>,
    options: Options,
    ports: Ports,
    authority: Authority,
    cluster: Cluster,
    // Last, since fields are dropped in order: the folder goes when nobody writes to it any more.
    scratch: Scratch,
}

impl ControlPlane {
    /// Starts one and waits until it is ready for work: about ten seconds.
    ///
    /// # Errors
    /// When a program ends or does not answer in time; the message has the tail of its log.
    pub async fn start(options: Options) -> Result<Self> {
        let mut plane = Self::prepare(options)?;
        for program in Program::ALL {
            plane.start_program(program).await?;
        }
        plane.first_service_account().await?;
        Ok(plane)
    }

    /// Kills a program as a crash would; returns when it is gone.
    ///
    /// # Errors
    /// When it cannot be killed.
    pub async fn kill(&mut self, program: Program) -> Result<()> {
        if let Some(mut process) = self.slot(program).take() {
            process.kill().await?;
        }
        Ok(())
    }

    /// Asks a program to end and waits for it, as an upgrade would.
    ///
    /// # Errors
    /// When it cannot be ended.
    pub async fn stop(&mut self, program: Program) -> Result<()> {
        if let Some(mut process) = self.slot(program).take() {
            process.stop().await?;
        }
        Ok(())
    }

    /// Sends a signal to a program, such as STOP and CONT.
    pub fn signal(&mut self, program: Program, signal: Signal) {
        if let Some(process) = self.slot(program) {
            process.signal(signal);
        }
    }

    /// Starts a program that is not running, with the same ports and data, and waits until it answers.
    ///
    /// # Errors
    /// When it ends or does not answer in time; the message has the tail of its log.
    pub async fn start_program(&mut self, program: Program) -> Result<()> {
        let process = self.launch(program)?;
        *self.slot(program) = Some(process);
        self.ready(program).await
    }

    /// Stops and starts a program.
    ///
    /// # Errors
    /// As [`Self::stop`] and [`Self::start_program`].
    pub async fn restart(&mut self, program: Program) -> Result<()> {
        self.stop(program).await?;
        self.start_program(program).await
    }

    /// Waits until a running program answers that it is well.
    ///
    /// # Errors
    /// When it has ended, or says otherwise until the time is up; the message has the tail of its log.
    pub async fn ready(&mut self, program: Program) -> Result<()> {
        let (url, client) = (self.health(program), self.health_client()?);
        let process = self.slot(program).as_mut();
        let process = process.ok_or_else(|| Failure::new(format!("{} is not running", program.name())))?;
        process.answers(&client, &url, PATIENCE).await
    }

    /// The cluster, for clients.
    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// What the API server was asked.
    pub fn audit(&self) -> Audit {
        Audit::new(self.cluster.clone(), self.scratch.path().join("audit.log"))
    }

    /// The ports, for a test that looks at what is left.
    pub fn ports(&self) -> Ports {
        self.ports
    }

    /// The folder with everything it has written.
    pub fn folder(&self) -> &std::path::Path {
        self.scratch.path()
    }

    /// Ends everything in good order; dropping does it the hard way.
    ///
    /// # Errors
    /// When a program cannot be ended.
    pub async fn shut_down(mut self) -> Result<()> {
        for program in [Program::Controllers, Program::Apiserver, Program::Etcd] {
            self.stop(program).await?;
        }
        Ok(())
    }

    /// Makes the folder with certificates, keys and kubeconfigs.
    fn prepare(options: Options) -> Result<Self> {
        let ports = Ports { etcd: free(), peer: free(), apiserver: free(), controllers: free() };
        let scratch = Scratch::new()?;
        let authority = Authority::new("faas-iam test authority")?;
        let server = authority.server(&["127.0.0.1", "localhost", "kubernetes.default.svc", "10.0.0.1"])?;
        scratch.write("ca.crt", &authority.pem())?;
        scratch.write("server.crt", &server.certificate)?;
        scratch.write("server.key", &server.key)?;
        let (private, public) = options.token_keys.generate()?;
        scratch.write("token.key", &private)?;
        scratch.write("token.pub", &public)?;
        scratch.write("audit-policy.json", &flags::audit_policy(&options))?;
        let user = |file: &str, name: &str, group: Option<&str>| {
            let identity = authority.client(name, group)?;
            let address = format!("https://127.0.0.1:{}", ports.apiserver);
            scratch.write(file, &kubeconfig(&address, &authority.pem(), &identity.certificate, &identity.key))
        };
        let admin = user("admin.kubeconfig", "admin", Some("system:masters"))?;
        user("controllers.kubeconfig", "system:kube-controller-manager", None)?;
        let cluster = Cluster::new(admin);
        Ok(Self {
            etcd: None,
            apiserver: None,
            controllers: None,
            options,
            ports,
            authority,
            cluster,
            scratch,
        })
    }

    fn launch(&self, program: Program) -> Result<Leashed> {
        let (folder, ports, options) = (self.scratch.path(), self.ports, &self.options);
        let flags = match program {
            Program::Etcd => flags::etcd(folder, ports, options),
            Program::Apiserver => flags::apiserver(folder, ports, options),
            Program::Controllers => flags::controllers(folder, ports, options),
        };
        let mut command = tools::control_plane_program(program.name())?;
        command.extend(flags.into_iter().map(Into::into));
        Leashed::start(Spec { name: program.name().into(), command, env: vec![], folder: folder.to_owned() })
    }

    fn slot(&mut self, program: Program) -> &mut Option<Leashed> {
        match program {
            Program::Etcd => &mut self.etcd,
            Program::Apiserver => &mut self.apiserver,
            Program::Controllers => &mut self.controllers,
        }
    }

    fn health(&self, program: Program) -> String {
        match program {
            Program::Etcd => format!("http://127.0.0.1:{}/health", self.ports.etcd),
            Program::Apiserver => format!("https://127.0.0.1:{}/readyz", self.ports.apiserver),
            Program::Controllers => format!("https://127.0.0.1:{}/healthz", self.ports.controllers),
        }
    }

    fn health_client(&self) -> Result<reqwest::Client> {
        let root = reqwest::Certificate::from_pem(self.authority.pem().as_bytes())?;
        Ok(reqwest::Client::builder()
            .tls_certs_only([root])
            .no_proxy()
            .timeout(Duration::from_secs(5))
            .build()?)
    }

    /// Pods and clients need it, and it shows that the controllers work.
    async fn first_service_account(&mut self) -> Result<()> {
        let accounts: Api<ServiceAccount> = Api::namespaced(self.cluster.admin().await?, "default");
        let waited = eventually("the first ServiceAccount", PATIENCE, || async {
            Ok(accounts.get_opt("default").await?.map(drop))
        })
        .await;
        match (waited, &self.controllers) {
            (Err(failure), Some(controllers)) => Err(controllers.blame(&failure.to_string())),
            (waited, _) => waited,
        }
    }
}
