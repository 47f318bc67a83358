//! Cryptography in this process: a raw verification and a raw signature, as the gateway makes them, and
//! minting beside the raw signature of the same bytes.

use std::hint::black_box;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use faas_iam::engine::Engine;
use faas_iam::exchange::{Asked, Terms, exchange};
use jsonwebtoken::{Algorithm, DecodingKey};

use super::Size;
use super::guard::own_cpu;
use super::mix;
use super::report::{Figure, row, verdict};
use super::tokens::{US, World, form, now};

/// Raw operations over the bytes of a token.
pub struct Raw {
    signed: String,
    signature: String,
    public: DecodingKey,
    pair: EcdsaKeyPair,
}

impl Raw {
    pub fn new(world: &World, token: &str) -> Self {
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let jwk = serde_json::from_value(serde_json::Value::Object(world.signing.public().to_jwk())).unwrap();
        let der =
            x509_parser::pem::Pem::iter_from_buffer(world.pem.as_bytes()).next().unwrap().unwrap().contents;
        Self {
            signed: signed.to_owned(),
            signature: signature.to_owned(),
            public: DecodingKey::from_jwk(&jwk).unwrap(),
            pair: EcdsaKeyPair::from_private_key_der(&ECDSA_P256_SHA256_FIXED_SIGNING, &der).unwrap(),
        }
    }

    /// CPU time of a verification, µs.
    pub fn verify(&self, count: usize) -> f64 {
        micros(count, || {
            let signed = black_box(self.signed.as_bytes());
            jsonwebtoken::crypto::verify(&self.signature, signed, &self.public, Algorithm::ES256).unwrap()
        })
    }

    /// CPU time of a signature, µs.
    pub fn sign(&self, count: usize) -> f64 {
        let random = SystemRandom::new();
        micros(count, || self.pair.sign(&random, black_box(self.signed.as_bytes())).unwrap())
    }
}

fn micros<T>(count: usize, mut work: impl FnMut() -> T) -> f64 {
    let before = own_cpu();
    for _ in 0..count {
        black_box(work());
    }
    own_cpu().checked_sub(before).unwrap().as_secs_f64() * 1e6 / count as f64
}

/// Measures minting, and prints.
pub fn measure(size: &Size) {
    let world = World::new();
    let engine = Engine::new(&mix::bundle(&world.objects()));
    let (subject, random) = (world.subject(), SystemRandom::new());
    let asked = |function| Asked::read(form("e30.e30.x", function).as_bytes(), b"", US).unwrap();
    let terms = Terms { engine: &engine, public_url: US, key: &world.signing, now: now() };
    println!("\nMinting, CPU time in this process: median (middle half of the rounds)");
    for (name, asked) in [("API token", asked(false)), ("function token", asked(true))] {
        let minted = exchange(terms, &subject, &asked).unwrap();
        let raw = Raw::new(&world, &world.signing.sign(&minted.claims, &random).unwrap());
        let (mut whole, mut signing, mut bare) = (Vec::new(), Vec::new(), Vec::new());
        let count = size.requests / 8;
        for _ in 0..size.rounds {
            whole.push(micros(count, || {
                let minted = exchange(terms, black_box(&subject), &asked).unwrap();
                world.signing.sign(&minted.claims, &random).unwrap()
            }));
            bare.push(raw.sign(count));
            signing.push(micros(count, || world.signing.sign(black_box(&minted.claims), &random).unwrap()));
        }
        let [whole, signing, bare] = [whole, signing, bare].map(|measured| Figure::of(&measured));
        row(&format!("{name}: raw signature of {} bytes", raw.signed.len()), &bare.show("µs"));
        row(&format!("{name}: claims → token"), &signing.show("µs"));
        row(&format!("{name}: judged, claims made, signed"), &whole.show("µs"));
        let sides = |a: Figure| format!("{:.1} µs ÷ {:.1} µs", a.median, bare.median);
        verdict(
            &format!("{name}: claims → token ÷ raw"),
            signing.median / bare.median,
            1.15,
            &sides(signing),
        );
        verdict(&format!("{name}: judged and signed ÷ raw"), whole.median / bare.median, 1.15, &sides(whole));
    }
}
