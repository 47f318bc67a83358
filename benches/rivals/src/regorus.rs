//! regorus: compiled for its virtual machine, which is kept and given one parsed input after the other. Where the
//! machine has no room for the program (65,535 instructions), its interpreter, likewise.

use std::num::{NonZeroU32, NonZeroUsize};
use std::time::Duration;

use regorus::languages::rego::compiler::Compiler;
use regorus::rvm::vm::RegoVM;
use regorus::{Engine, PolicyLengthConfig, Value};

use crate::contender::{Contender, timed};
use crate::installation::Installation;
use crate::rego::{ALLOW, input, module};

pub struct Regorus {
    runtime: Runtime,
    inputs: Vec<Value>,
}

enum Runtime {
    Machine(Box<RegoVM>),
    Interpreter(Box<Engine>),
}

impl Regorus {
    pub fn new(installation: &Installation) -> (Self, Duration) {
        let text = module(installation);
        let (runtime, took) = timed(|| compiled(text));
        let parse = |question| Value::from_json_str(&input(question).to_string()).expect("an input of Rego");
        (Self { runtime, inputs: installation.questions.iter().map(parse).collect() }, took)
    }
}

fn compiled(text: String) -> Runtime {
    let mut engine = Engine::new();
    let (most, widest) = (NonZeroUsize::MAX, NonZeroU32::MAX);
    engine.set_policy_length_config(PolicyLengthConfig {
        max_col: widest,
        max_file_bytes: most,
        max_lines: most,
    });
    engine.add_policy("rivals.rego".to_owned(), text).expect("policies of Rego");
    let policy = engine.compile_with_entrypoint(&ALLOW.into()).expect("compiled policies of Rego");
    let Ok(program) = Compiler::compile_from_policy(&policy, &[ALLOW]) else {
        return Runtime::Interpreter(Box::new(engine));
    };
    let mut machine = RegoVM::new();
    machine.set_max_instructions(usize::MAX);
    machine.load_program(program);
    Runtime::Machine(Box::new(machine))
}

impl Contender for Regorus {
    fn allows(&mut self, question: usize) -> bool {
        let input = self.inputs[question].clone();
        let answer = match &mut self.runtime {
            Runtime::Machine(machine) => {
                machine.set_input(input);
                machine.execute().expect("an answer of regorus")
            }
            Runtime::Interpreter(engine) => {
                engine.set_input(input);
                engine.eval_rule(ALLOW.to_owned()).expect("an answer of regorus")
            }
        };
        answer == Value::from(true)
    }
}
