//! A real OpenID provider by TLS with an authority of its own, whose keys the gateway reads itself.

use crate::support::{Result, certs::Authority, ports};
use crate::world::shared;

#[tokio::test]
async fn a_provider_behind_a_private_authority_is_trusted_by_the_gateways_own_file_and_not_without_it()
-> Result<()> {
    let world = shared().await?;
    let token = world.id_token("alice").await?;
    world.deny.exchange(&token, &[]).await?;
    // The last one of a flag counts.
    let others = world.file("others.pem", &Authority::new("another")?.pem())?;
    let distrusts = world.another("distrusts", ports::free(), &["--ca-file", &others]).await?;
    let refused = distrusts.exchange(&token, &[]).await.unwrap_err().to_string();
    assert!(refused.contains("are not at hand"), "{refused}");
    distrusts.exchange(&world.robot_token("robot")?, &[]).await?;
    Ok(())
}
